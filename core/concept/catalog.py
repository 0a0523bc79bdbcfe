"""The catalogue: the concept map in reading order, by chapter. One line a concept."""

from __future__ import annotations

from dataclasses import dataclass

CHAPTERS = (
    "start",
    "first_steps",
    "training",
    "generalisation",
    "convolutions",
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
    icon: str  # a Material symbol
    place: bool = False  # a page without an experiment
    needs: tuple[str, ...] = ()  # concepts that a reader should know before


CATALOG = (
    Entry("home", "start", "home", place=True),
    Entry("claims", "start", "fact_check", place=True),
    Entry("mistakes", "start", "bug_report", place=True),
    Entry("compare", "start", "compare_arrows", place=True),
    Entry("status", "start", "monitor_heart", place=True),
    Entry("present", "start", "present_to_all", place=True),
    Entry("perceptron", "first_steps", "linear_scale"),
    Entry("linear_models", "first_steps", "trending_flat", needs=("perceptron",)),
    Entry("loss_functions", "first_steps", "trending_down", needs=("linear_models",)),
    Entry("backpropagation", "first_steps", "account_tree", needs=("loss_functions",)),
    Entry("universal_approximation", "first_steps", "ssid_chart", needs=("activations",)),
    Entry("feature_scaling", "training", "straighten", needs=("linear_models",)),
    Entry("initialization", "training", "start", needs=("activations", "backpropagation")),
    Entry("activations", "training", "show_chart", needs=("backpropagation",)),
    Entry("optimizers", "training", "terrain", needs=("feature_scaling", "linear_models")),
    Entry("optimizer_race", "training", "trophy", needs=("optimizers",)),
    Entry("learning_rate", "training", "stairs", needs=("optimizers",)),
    Entry("batch_size", "training", "stacks", needs=("optimizer_race",)),
    Entry("batch_norm", "training", "equalizer", needs=("initialization", "learning_rate")),
    Entry("hyperparameter_search", "training", "manage_search", needs=("regularization",)),
    Entry("bias_variance", "generalisation", "query_stats", needs=("universal_approximation",)),
    Entry("regularization", "generalisation", "balance", needs=("bias_variance",)),
    Entry("dropout", "generalisation", "blur_on", needs=("regularization",)),
    Entry("data_augmentation", "generalisation", "content_copy", needs=("regularization",)),
    Entry("mixup", "generalisation", "join_inner", needs=("data_augmentation",)),
    Entry("error_analysis", "generalisation", "troubleshoot", needs=("regularization",)),
    Entry("convolution", "convolutions", "blur_linear", needs=("linear_models",)),
    Entry("cnn_classics", "convolutions", "museum", needs=("convolution",)),
    Entry("residual_networks", "convolutions", "call_split", needs=("batch_norm", "cnn_classics")),
    Entry("inside_a_cnn", "convolutions", "visibility", needs=("convolution", "mixup")),
    Entry("transfer_learning", "convolutions", "move_item", needs=("cnn_classics",)),
    Entry("style_transfer", "convolutions", "brush", needs=("inside_a_cnn",)),
    Entry("object_detection", "seeing", "select_all", needs=("convolution",)),
    Entry("segmentation", "seeing", "format_color_fill", needs=("convolution",)),
    Entry("one_shot", "seeing", "face", needs=("transfer_learning",)),
    Entry("word_embeddings", "sequences", "scatter_plot", needs=("linear_models",)),
    Entry("recurrent_memory", "sequences", "memory", needs=("word_embeddings",)),
    Entry("text_generation", "sequences", "edit_note", needs=("recurrent_memory",)),
    Entry("ctc", "sequences", "horizontal_distribute", needs=("recurrent_memory",)),
    Entry("sequence_to_sequence", "sequences", "translate", needs=("recurrent_memory",)),
    Entry("attention", "sequences", "center_focus_strong", needs=("sequence_to_sequence",)),
    Entry("autoencoder", "generating", "compress", needs=("linear_models",)),
    Entry("gan", "generating", "swords", needs=("autoencoder",)),
    Entry("reinforcement_learning", "deciding", "sports_esports", needs=("optimizers",)),
    Entry("meta_learning", "deciding", "school", needs=("transfer_learning",)),
)

TALKS = ("which_optimizer", "deep_nets")

CONCEPTS = tuple(entry for entry in CATALOG if not entry.place)


def by_chapter(entries: tuple[Entry, ...] = CATALOG) -> dict[str, list[Entry]]:
    """The chapters that have any of these entries, each with them."""
    found = {chapter: [entry for entry in entries if entry.chapter == chapter] for chapter in CHAPTERS}
    return {chapter: held for chapter, held in found.items() if held}


def leads_to(stem: str) -> list[Entry]:
    """The concepts that need this one."""
    return [entry for entry in CATALOG if stem in entry.needs]
