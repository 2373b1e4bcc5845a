"""Load and save both configurations in one YAML file, in sections `data` and `fine_tune`."""

from pathlib import Path
from typing import Any

from imdb_sentiment.config import DataConfig, FineTuneConfig, given_config
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.runtime.files import as_path, write_text
from imdb_sentiment.runtime.messages import quote

__all__ = ["load_config", "read_sections", "save_config"]

_SECTIONS = ("data", "fine_tune")


def load_config(path: str | Path) -> tuple[DataConfig, FineTuneConfig]:
    """Read both configurations from a YAML file; missing fields keep their defaults.

    Raises:
        ConfigError: The file is missing, is not valid YAML of that form, or has an unknown field or invalid value.

    Example:
        ```python
        data_config, config = load_config("settings.yaml")
        ```
    """
    sections = read_sections(path)
    return DataConfig(**sections["data"]), FineTuneConfig(**sections["fine_tune"])


def save_config(path: str | Path, data: DataConfig, fine_tune: FineTuneConfig) -> None:
    """Write both configurations to a YAML file, every field included, replacing the file.

    Raises:
        ConfigError: An argument is not a configuration.
        OutputExistsError: The file cannot be written.
        DiskFullError: The disk is full.

    Example:
        ```python
        save_config("run.yaml", DataConfig(source="reviews.csv"), FineTuneConfig(model_name="minilm"))
        ```
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Escapes YAML's additional line ends, which a reader would otherwise convert."""

        def represent_str(self, text: str) -> yaml.ScalarNode:
            style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, Dumper.represent_str)
    data, fine_tune = given_config(data, DataConfig), given_config(fine_tune, FineTuneConfig)
    sections = {"data": data.model_dump(mode="json"), "fine_tune": fine_tune.model_dump(mode="json")}
    text = yaml.dump(sections, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    write_text(as_path(path, "path"), text, overwrite=True)


def read_sections(path: str | Path) -> dict[str, dict[str, Any]]:
    """Read the fields in a YAML file by section, as text, which the configurations convert.

    Raises:
        ConfigError: The file is missing or is not YAML of that form.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Resolves only null: by YAML's rules the label `no` would be false and `1e-4` a string. Tags are ignored."""

        yaml_constructors = {"tag:yaml.org,2002:null": yaml.SafeLoader.construct_yaml_null}
        yaml_implicit_resolvers = {
            first: [rule for rule in rules if rule[0] == "tag:yaml.org,2002:null"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    path = as_path(path, "path")
    try:
        content = Loader(path.read_text(encoding="utf-8")).get_single_data()
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not a YAML file", found=" ".join(str(error).split())) from None
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        raise ConfigError(f"{path} has no sections", expected="'data:' and 'fine_tune:', each with fields below it")
    for section in content:
        if section not in _SECTIONS:
            hint = nearest(str(section), _SECTIONS)
            raise ConfigError(f"{path} has a section {quote(section)}", expected=" or ".join(_SECTIONS), hint=hint)
        if None in content[section]:
            found = f"null in section {quote(section)}"
            raise ConfigError(f"{path} has a field without a name", found=found, expected="a name before each colon")
    return {section: content.get(section, {}) for section in _SECTIONS}
