"""The public six-word benchmark, rebuilt: what an engine misses at one false accept in ten hours, in 10 dB noise.

    python benchmarks/six_words.py --words DIR --speech DIR --noise DIR --engine ENGINE ... --out DIR [--gap 150]

WORDS is a folder or manifest of recordings of alexa, computer, jarvis, smart mirror, snowboy, view glass (labelled as
for `wakegate measure`), SPEECH one of talk without them, NOISE one of noise. Engines are those of `wakegate measure`.
With `--kept-out DATA --background MORE` the three are made of what the training kept out: the people, talk and noise
that the model's figures rest on.

The setting is `wakegate measure WORDS --stream --gap S --background SPEECH --noise NOISE --snr 10`: see `stream` and
`level` in `wakegate/measure/conditions` for the recipe and for where it differs. One stream holds all words here, so
another word is sound without the word. DIR gets results.json, events.csv and report.html; `--summary FILE` the table.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = ("alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass")
RATE = 0.1


def kept_out(data: Path, more: Path, out: Path) -> tuple[Path, Path, Path]:
    """Write manifests of the people, the talk and the noise that training keeps out, and return them."""
    from wakegate.events import SAMPLE_RATE
    from wakegate.train import corpus

    out.mkdir(parents=True, exist_ok=True)
    names = (Path(corpus.__file__).with_name("dropped.txt")).read_text(encoding="utf-8").split("\n")
    side = corpus.read(data, data, more, held_out=True, dropped=frozenset(names))
    once = {clip.group: clip for clip in side.positives}.values()
    words = [
        {
            "audio": str((data / clip.name).resolve()),
            "speaker": Path(clip.name).name.split("_")[0],
            "events": [{"word": clip.word, "start_s": clip.start / SAMPLE_RATE, "end_s": clip.end / SAMPLE_RATE}],
        }
        for clip in once
    ]

    def where(name: str) -> dict[str, object]:
        return {"audio": str(next(path for path in (data / name, more / name) if path.is_file()).resolve())}

    made = {
        "words": words,
        "speech": [where(clip.name) for clip in side.speech],
        "noise": [where(clip.name) for clip in side.noise if len(clip.samples) > SAMPLE_RATE],
    }
    paths = []
    for name, lines in made.items():
        paths.append(out / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return paths[0], paths[1], paths[2]


def _name(engine: Mapping[str, Any]) -> str:
    """Return an engine's name without the environment that it was run in."""
    return re.sub(r"@[^:]*", "", engine["engine"])


def rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each engine misses of each word where it accepts falsely no more often than RATE."""
    table = []
    for engine in found["engines"]:
        for word in engine["sweep"]:
            at = next(at for at in word["at"] if at["allowed_per_hour"] == RATE)
            if word["word"] in WORDS and at["trials"]:
                table.append(
                    {
                        "engine": _name(engine), "word": word["word"], "hours": round(at["hours"], 2),
                        "threshold": at["threshold"], "false_accepts": at["false_accepts"], "missed": at["missed"],
                        "trials": at["trials"], "frr": at["frr"], "frr_95": at["frr_95"],
                        "swept_by": engine["about"].get("swept_by", "score"),
                    }
                )  # fmt: skip
    return table


def show(table: Sequence[Mapping[str, Any]]) -> None:
    """Print the table, each engine's mean miss and sum of false accepts below its words."""
    print("| engine | word | hours | false accepts | missed | % (95 %) |\n|---|---|---|---|---|---|")
    for name in dict.fromkeys(row["engine"] for row in table):
        own = [row for row in table if row["engine"] == name]
        for row in own:
            low, high = row["frr_95"]
            print(
                f"| {name} | {row['word']} | {row['hours']} | {row['false_accepts']} "
                f"| {row['missed']} of {row['trials']} | {100 * row['frr']:.1f} ({100 * low:.0f}-{100 * high:.0f}) |"
            )
        mean = sum(row["frr"] for row in own) / len(own)
        total = sum(row["false_accepts"] for row in own)
        print(f"| **{name}** | mean of {len(own)} | {own[0]['hours']} | {total} in all | | **{100 * mean:.1f}** |")


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("words", "speech", "noise"):
        parser.add_argument(f"--{name}", type=Path, help="folder or manifest")
    parser.add_argument("--kept-out", type=Path, metavar="DATA", help="folder with wake_words/index.csv")
    parser.add_argument("--background", type=Path, metavar="MORE", help="with --kept-out: a folder of further sound")
    parser.add_argument("--engine", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gap", type=float, default=150.0, help="seconds between words (default: %(default)s)")
    parser.add_argument("--summary", type=Path, help="file to write the table's rows to, as JSON")
    args = parser.parse_args()
    if args.kept_out is not None and args.background is not None:
        words, speech, noise = kept_out(args.kept_out, args.background, args.out / "kept_out")
    elif None not in (args.words, args.speech, args.noise):
        words, speech, noise = args.words, args.speech, args.noise
    else:
        parser.error("give --words, --speech and --noise, or --kept-out and --background")
    from wakegate.cli import main as wakegate

    engines = [part for engine in args.engine for part in ("--engine", engine)]
    setting = ["--stream", f"--gap={args.gap:g}", "--background", str(speech), "--noise", str(noise), "--snr", "10"]
    code = wakegate(["measure", str(words), *engines, *setting, "--out", str(args.out)])
    found = json.loads((args.out / "results.json").read_text(encoding="utf-8"))
    table = rows(found)
    show(table)
    if args.summary is not None:
        about = {_name(engine): engine["about"] for engine in found["engines"]}
        summary = {
            "allowed_false_accepts_per_hour": RATE, "gap_s": args.gap, "corpus_sha256": found["corpus"]["sha256"],
            "conditions": "one stream of all words, 10 dB SNR, 20 % background speech", "engines": about, "rows": table,
        }  # fmt: skip
        args.summary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
