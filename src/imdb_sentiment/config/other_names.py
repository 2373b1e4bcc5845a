"""Names of settings in other programs, mapped to ours or to the reason why there is none."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.runtime.messages import Advice, Either, quote

__all__ = ["setting_called", "suggest_setting", "unknown_argument"]

_OTHER_NAMES = {
    # DataConfig
    "source": "data dataset dataset_name data_path data_file data_files data_dir file files filename path csv",
    "subset": "name config_name dataset_config_name",
    "text_column": "text text_col text_field sentence sentence1 feature features x",
    "label_column": "label label_col label_field labels target target_column y",
    "group_column": "group groups",
    "positive_label": "pos_label positive positive_class",
    "negative_label": "neg_label negative negative_class",
    "validation_fraction": "val_size valid_size validation_size eval_size dev_size val_split validation_split",
    "test_fraction": "test_size test_split test_ratio",
    "max_train_samples": "limit max_samples n_samples num_samples max_rows n_rows nrows subsample",
    "split_seed": "seed random_state random_seed data_seed",
    "invalid_rows": "dropna drop_na na_filter on_bad_lines",
    "near_duplicates": "drop_duplicates deduplicate dedup",
    # FineTuneConfig
    "model_name": "model model_name_or_path pretrained_model_name_or_path base_model checkpoint encoder",
    "model_revision": "revision",
    "max_length": "max_len max_seq_length max_seq_len max_sequence_length sequence_length model_max_length",
    "truncation": "truncate truncation_side",
    "long_texts": "windows sliding_window stride doc_stride return_overflowing_tokens",
    "group_by_length": "train_sampling_strategy",
    "clean_text": "clean cleaning preprocess",
    "dropout": "dropout_rate hidden_dropout_prob classifier_dropout",
    "learning_rate": "lr max_lr peak_lr learning_rate_init",
    "warmup_ratio": "warmup warmup_steps num_warmup_steps warmup_proportion",
    "per_device_train_batch_size": "batch_size train_batch_size per_gpu_train_batch_size auto_find_batch_size",
    "per_device_eval_batch_size": "eval_batch_size per_gpu_eval_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation accumulation_steps accumulate_grad_batches",
    "precision": "bf16 fp16 dtype torch_dtype mixed_precision amp use_amp tf32 bf16_full_eval fp16_full_eval",
    "num_train_epochs": "epochs num_epochs n_epochs max_epochs epoch train_epochs",
    "evaluations_per_epoch": "eval_strategy evaluation_strategy eval_steps evaluation_steps save_strategy save_steps",
    "early_stopping_patience": "patience early_stopping",
    "save_total_limit": "keep_checkpoints max_checkpoints",
    "class_weight": "class_weights pos_weight loss_weights",
    "label_smoothing": "label_smoothing_factor smoothing",
    "freeze_layers": "freeze frozen_layers num_frozen_layers freeze_encoder freeze_base_model freeze_embeddings",
    "lora_rank": "lora lora_r peft peft_config lora_config",
    "load_best_model_at_end": "load_best_model save_best_model",
    "metric_for_best_model": "metric eval_metric best_metric scoring",
    "seed": "random_state random_seed data_seed manual_seed",
}
_MEANT: dict[str, list[str]] = {}
for _field, _names in _OTHER_NAMES.items():
    for _name in _names.split():
        _MEANT.setdefault(_name, []).append(_field)

_WITHOUT: dict[str, str | Either] = {
    "output_dir output save_dir": Either(
        "SentimentFineTuner(output_dir=...) for checkpoints, tuner.save(...) for the model", "--output DIR"
    ),
    "overwrite_output_dir overwrite": Either("tuner.save(..., overwrite=True)", "--overwrite"),
    "resume_from_checkpoint resume": Either("tuner.fit(resume=True)", "--resume"),
    "max_steps num_train_steps train_steps total_steps steps": "num_train_epochs, or DataConfig.max_train_samples",
    "gradient_checkpointing": "max_tokens_per_forward, which bounds the memory",
    "id2label label2id label_map": "positive_label of DataConfig: labels keep the names that they have in the data",
    "logging_steps": "report_to, which names trackers",
    "delimiter sep separator": "leave it out: the separator is found in the file",
    "device use_cpu no_cuda use_cuda n_gpu": "leave it out: a GPU is used if CUDA_VISIBLE_DEVICES does not hide it",
    "do_lower_case do_lower lowercase lower": "leave it out: the tokenizer of the encoder decides",
    "dataloader_num_workers num_workers": "leave it out: rows are tokenized before training",
    "lr_scheduler_type lr_scheduler scheduler": "leave it out: the rate rises over warmup_ratio, then falls to 0",
    "max_grad_norm gradient_clipping": "leave it out: gradients are clipped to a norm of 1",
    "num_labels num_classes n_classes": "leave it out: there are always two labels",
    "optim optimizer": "leave it out: the optimizer is AdamW",
    "shuffle stratify": "leave it out: splits are always shuffled, by split_seed, and stratified",
    "split splits": "a mapping as source: {'train': ..., 'test': ...}",
    "train_size": "leave it out: train is what test_fraction and validation_fraction leave, or max_train_samples of it",
    "verbose": "leave it out: progress is shown on a terminal",
}
_REASONS = {name: Advice(reason) for names, reason in _WITHOUT.items() for name in names.split()}


def unknown_argument(
    owner: str, name: str, known: Collection[str], others: Mapping[str, Collection[str]]
) -> ConfigError:
    """Return the error for an argument that a function or class does not have.

    Args:
        owner: Name of the function or class.
        name: The argument.
        known: The arguments that it has.
        others: Fields of the configurations, by class name.
    """
    return ConfigError(f"{owner} has no argument {quote(name)}", hint=suggest_setting(name, known, others))


def suggest_setting(
    name: str, fields: Collection[str], others: Mapping[str, Collection[str]] = MappingProxyType({})
) -> str | None:
    """Suggest a replacement for an unknown setting, if any; see `setting_called`."""
    return setting_called(name, fields, others) or nearest(name, fields)


def setting_called(
    name: str, fields: Collection[str], others: Mapping[str, Collection[str]] = MappingProxyType({})
) -> str | None:
    """Return the counterpart of another program's setting.

    Args:
        name: Name of the setting.
        fields: Fields of the configuration that it was passed to.
        others: Fields of the other configurations, by class name.

    Returns:
        One of `fields`, a field of another configuration, or the reason why there is none.
    """
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    meant = _MEANT.get(key, [])
    if own := [field for field in meant if field in fields]:
        return own[0]
    for config, theirs in others.items():
        if found := [field for field in (key, *meant) if field in theirs]:
            return Advice(Either(f"{config}({found[0]}=...)", f"--set {found[0]}=... ({config})"))
    return _REASONS.get(key)
