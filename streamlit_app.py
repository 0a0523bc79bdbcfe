"""The entry: language, navigation by chapter, search. Pages are in pages/, everything else in core/."""


def main() -> None:
    from core.ui.frame import frame

    frame()


if __name__ == "__main__":  # worker processes import this file under another name
    main()
