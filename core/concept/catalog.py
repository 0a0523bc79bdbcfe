"""The catalogue: the concept map in reading order, by chapter. One line a concept, built or planned."""

from __future__ import annotations

from dataclasses import dataclass

CHAPTERS = (
    "start",
    "first_steps",
    "training",
    "generalisation",
    "convolution",
    "seeing",
    "sequences",
    "generating",
    "deciding",
)
LANGUAGES = ("en", "zh")
SPOKEN = {"en": "en", "zh": "zh-Hans"}  # as HTML names them, for voices and fonts


@dataclass(frozen=True)
class Entry:
    """A page: its stem names the page file, the address, the experiment and the texts."""

    stem: str
    chapter: str
    icon: str = ""  # a Material symbol
    place: bool = False  # a page without an experiment

    @property
    def planned(self) -> bool:
        """Not built yet: on the map with the title and sentence of its texts, which is all there is of it."""
        return not self.icon


MAP = (
    Entry("home", "start", "home", place=True),
    Entry("claims", "start", "fact_check", place=True),
    Entry("compare", "start", "compare_arrows", place=True),
    Entry("status", "start", "monitor_heart", place=True),
    Entry("present", "start", "present_to_all", place=True),
    Entry("perceptron", "first_steps", "linear_scale"),
    Entry("linear_models", "first_steps", "trending_flat"),
    Entry("loss_functions", "first_steps"),
    Entry("backpropagation", "first_steps"),
    Entry("universal_approximation", "first_steps"),
    Entry("activations", "training", "show_chart"),
    Entry("initialization", "training"),
    Entry("optimizers", "training", "terrain"),
    Entry("optimizer_race", "training", "trophy"),
    Entry("batch_size", "training"),
    Entry("learning_rate", "training"),
    Entry("feature_scaling", "training"),
    Entry("batch_norm", "training"),
    Entry("hyperparameter_search", "training"),
    Entry("bias_variance", "generalisation"),
    Entry("regularization", "generalisation"),
    Entry("dropout", "generalisation", "blur_on"),
    Entry("data_augmentation", "generalisation"),
    Entry("mixup", "generalisation", "join_inner"),
    Entry("error_analysis", "generalisation"),
    Entry("convolution", "convolution"),
    Entry("cnn_classics", "convolution"),
    Entry("residual_networks", "convolution"),
    Entry("inside_a_cnn", "convolution"),
    Entry("transfer_learning", "convolution"),
    Entry("style_transfer", "convolution"),
    Entry("object_detection", "seeing"),
    Entry("segmentation", "seeing"),
    Entry("one_shot", "seeing"),
    Entry("recurrent_memory", "sequences"),
    Entry("text_generation", "sequences", "edit_note"),
    Entry("ctc", "sequences"),
    Entry("sequence_to_sequence", "sequences"),
    Entry("attention", "sequences"),
    Entry("word_embeddings", "sequences"),
    Entry("autoencoder", "generating", "compress"),
    Entry("gan", "generating", "swords"),
    Entry("reinforcement_learning", "deciding"),
    Entry("meta_learning", "deciding"),
)

TALKS = ("which_optimizer", "deep_nets")

CATALOG = tuple(entry for entry in MAP if not entry.planned)
CONCEPTS = tuple(entry for entry in CATALOG if not entry.place)
PLANNED = tuple(entry for entry in MAP if entry.planned)


def by_chapter(entries: tuple[Entry, ...] = CATALOG) -> dict[str, list[Entry]]:
    """The chapters that have any of these entries, each with them."""
    found = {chapter: [entry for entry in entries if entry.chapter == chapter] for chapter in CHAPTERS}
    return {chapter: held for chapter, held in found.items() if held}
