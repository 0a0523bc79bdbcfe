"""What browsers send before a page takes it: bounded per session and in all, whatever a session sends."""

from __future__ import annotations

from streamlit.runtime import memory_uploaded_file_manager as streamlits
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.readers import LARGEST

PER_SESSION = 2 * LARGEST  # bytes: the file at hand, and the one before it
IN_ALL = 20 * LARGEST
SMALLEST = 4096  # bytes that a file counts at least


class Incoming(streamlits.MemoryUploadedFileManager):
    """Streamlit's place for files that were sent. What is too much drops the oldest files of whoever has most, and the
    page that wants one of these asks for it again."""

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        self.remove_file(session_id, file.file_id)  # so that it is the newest
        super().add_file(session_id, file)
        while self._held(session_id) > PER_SESSION:
            self._drop_oldest(session_id)
        while sum(map(self._held, list(self.file_storage))) > IN_ALL:
            self._drop_oldest(max(list(self.file_storage), key=self._held))

    def _held(self, session_id: str) -> int:
        return sum(max(SMALLEST, len(file.data)) for file in list(self.file_storage.get(session_id, {}).values()))

    def _drop_oldest(self, session_id: str) -> None:
        if oldest := next(iter(self.file_storage.get(session_id, {})), None):
            self.remove_file(session_id, oldest)


def bounded() -> None:
    """Let the server hold what is sent to it in Incoming; to be called before the app is made."""
    streamlits.MemoryUploadedFileManager = Incoming  # type: ignore[misc]
