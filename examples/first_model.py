"""Fine-tune a small encoder on the bundled film reviews, measure it, save it, and ask it.

    python examples/first_model.py

It needs the extras `demo` and `report`, and writes `report.html` and the folder `model`.
"""

from importlib.resources import files

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner

sample = files("imdb_sentiment.data") / "sample.jsonl"  # 1,350 short reviews
data = DataConfig(source=str(sample), test_fraction=0.35)
tuner = SentimentFineTuner(data, FineTuneConfig(model_name="minilm"))
tuner.fit()
report = tuner.evaluate()  # the test rows are read here, once
print(report)
report.save_html("report.html")
tuner.save("model")
print(tuner.classifier.predict("A quiet masterpiece.").label)
