"""The plots of the results page, from the numbers of the benchmarks page.

    python benchmarks/plots.py [FOLDER]

`plots.json` has the numbers; a test finds each of them in docs/benchmarks.md. Each plot is written twice, for light and
for dark pages, without a background and with letters as text.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Draw = Callable[[Axes, Mapping[str, Any]], None]
HERE = Path(__file__).parent
COLOURS = ("#3b7dd8", "#d9822b", "#2f9e6e", "#8a5fc7")
INK = {"light": "#1c2430", "dark": "#e6e9ef"}
QUIET = "#8a94a3"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "docs" / "images" / "results")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    numbers = json.loads((HERE / "plots.json").read_text(encoding="utf-8"))
    for name, draw in PLOTS.items():
        for scheme, ink in INK.items():
            draw_one(folder / f"{name}-{scheme}.svg", numbers[name], draw, ink)


def draw_one(path: Path, numbers: Mapping[str, Any], draw: Draw, ink: str) -> None:
    of_text = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings: dict[Any, Any] = {
        **dict.fromkeys(of_text, ink),
        "svg.fonttype": "none",
        "svg.hashsalt": path.stem,  # the same bytes each time
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.set_title(numbers["title"], fontsize=12, loc="left")
        draw(axes, numbers)
        figure.savefig(path, transparent=True, metadata={"Date": None, "Title": numbers["title"]})


def draw_labels(axes: Axes, numbers: Mapping[str, Any]) -> None:
    for curve, colour in zip(numbers["curves"], COLOURS, strict=True):
        rows, accuracies = zip(*curve["points"], strict=True)
        axes.plot(rows, accuracies, marker="o", color=colour, label=curve["name"])
    axes.set_xscale("log")
    axes.set_xticks([16, 32, 64, 128, 300], ["16", "32", "64", "128", "300"])
    axes.minorticks_off()
    axes.set_xlabel("labelled rows (logarithmic)")
    axes.set_ylim(0.5, 0.92)
    axes.set_ylabel("mean test accuracy")
    axes.legend(loc="lower right")


def draw_bars(axes: Axes, numbers: Mapping[str, Any]) -> None:
    names, values = zip(*reversed(numbers["bars"]), strict=True)
    colours = [COLOURS[0] if _is_ours(name) else QUIET for name in names]
    drawn = axes.barh(names, values, color=colours, height=0.65)
    axes.bar_label(drawn, labels=[f"{value:g}" for value in values], padding=4)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.set_xlim(0, max(values) * 1.12)


def _is_ours(name: str) -> bool:
    return name.startswith(("PyTorch", "OpenVINO"))


def draw_time(axes: Axes, numbers: Mapping[str, Any]) -> None:
    markers = {"A": "s", "B": "o", "either": "D"}
    for point in numbers["points"]:
        colour = QUIET if point["name"] in ("tutorial", "TF-IDF + LR") else COLOURS[0]
        axes.scatter(point["seconds"], point["accuracy"], marker=markers[point["machine"]], color=colour, s=60)
        of_machine = "" if point["machine"] == "either" else f", {point['machine']}"
        place = (point["seconds"], point["accuracy"])
        away = (0, -18 if point.get("label") == "below" else 9)
        axes.annotate(f"{point['name']}{of_machine}", place, away, textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.set_xticks([10, 60, 300, 1000, 2400], ["10 s", "1 min", "5 min", "17 min", "40 min"])
    axes.minorticks_off()
    axes.set_xlim(5, 4500)
    axes.set_ylim(0.84, 0.93)
    axes.set_xlabel("training time on two CPU cores (logarithmic); machine A in fp32, B in bf16")
    axes.set_ylabel("test accuracy")


def draw_leak(axes: Axes, numbers: Mapping[str, Any]) -> None:
    places = range(len(numbers["splits"]))
    for i, (model, colour) in enumerate(zip(numbers["models"], COLOURS, strict=False)):
        at = [place + 0.16 * (i - 0.5) for place in places]
        axes.errorbar(at, model["f1"], model["error"], fmt="o", color=colour, capsize=4, label=model["name"])
        for place, value in zip(at, model["f1"], strict=True):
            side = 8 if i else -8
            axes.annotate(
                f"{value:.3f}",
                (place, value),
                (side, 0),
                textcoords="offset points",
                ha="left" if i else "right",
                va="center",
            )
    axes.set_xticks(list(places), numbers["splits"])
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_ylim(0.88, 1.0)
    axes.set_ylabel("F1, with standard error")
    axes.legend(loc="upper right", ncols=2)


PLOTS: dict[str, Draw] = {
    "labels": draw_labels,
    "time": draw_time,
    "scoring": draw_bars,
    "leak": draw_leak,
}


if __name__ == "__main__":
    main()
