"""Fine-tune on data of another kind: messages to a landlord, urgent or routine.

    python examples/adapt_to_your_data.py

Writes `messages.csv`, trains on it, and leaves the finished model in `urgency-model`. Thirty-two messages show the
steps; they are far too few for a model to rely on.
"""

import csv
from pathlib import Path

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner

URGENT = (
    "Water is coming through the kitchen ceiling.",
    "The front door will not lock, and we leave in an hour.",
    "I can smell gas on the second floor.",
    "The lift has stopped with my neighbour inside.",
    "No heating since last night, and there is a baby here.",
    "Sparks came out of the socket by the bath.",
    "The cellar is flooding. It is at the second step.",
    "Somebody broke the window and the rain comes in.",
    "The smoke alarm has been going for ten minutes.",
    "My key broke off in the lock and the stove is on.",
    "The toilet is overflowing and I cannot stop it.",
    "A piece of the balcony fell into the yard just now.",
    "There is no power in the whole house.",
    "The boiler makes a bang every minute and it is hot to touch.",
    "A tree is leaning on the roof after the storm.",
    "The drain in the yard has backed up into the flat.",
)
ROUTINE = (
    "Could I have a second key for the cellar?",
    "The name on the letter box is spelt wrong.",
    "When is the next meeting of the tenants?",
    "I would like to paint the hall, if you agree.",
    "Please send me last year's bill again.",
    "The bulb on the stairs flickers a little.",
    "May I keep a bicycle in the yard?",
    "My new phone number is on the card below.",
    "The hinge of the garden gate squeaks.",
    "Thank you for the new washing line.",
    "Is the parking space by the wall still free?",
    "We will be away in August, and my sister waters the plants.",
    "The window in the bath could do with some grease.",
    "What day does the chimney sweep come?",
    "I heard the rent changes in spring. Is that so?",
    "One of the pots on the roof has a crack.",
)


def main() -> None:
    with Path("messages.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["message", "kind"])
        writer.writerows([text, "urgent"] for text in URGENT)
        writer.writerows([text, "routine"] for text in ROUTINE)

    # All that is different from IMDb stands here. The file is not divided, so a test split is held out first, then
    # validation. `positive_label` says which label precision, recall and F1 are about; both keep their names.
    data_config = DataConfig(
        source="messages.csv",
        text_column="message",
        label_column="kind",
        positive_label="urgent",
        test_fraction=0.25,
        validation_fraction=0.25,
    )

    # The messages are short, so that 64 tokens hold them whole. model_name="minilm" needs no hub, but the extra `demo`.
    config = FineTuneConfig(
        max_length=64, num_train_epochs=4, per_device_train_batch_size=4, metric_for_best_model="log_loss"
    )

    tuner = SentimentFineTuner(data_config, config, output_dir="urgency-run")
    print(tuner.splits.summary)
    print(tuner.fit())
    print(tuner.evaluate())

    folder = tuner.save("urgency-model")
    classifier = SentimentClassifier.from_pretrained(folder)
    prediction = classifier.predict("There is water in the fuse box.")
    print(f"{prediction.label}  {prediction.score:.3f}")


if __name__ == "__main__":
    main()
