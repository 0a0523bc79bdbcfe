#!/usr/bin/env bash
# Finds a Chromium for the tests marked `browser`, and installs one where that can be done.
#   tests/browser.sh          find, else install      tests/browser.sh --find    find only
# Prints the path of the program, or nothing; everything else goes to stderr. Without a Chromium it says why and
# ends with 0, so that those tests are skipped with that reason; where CI=true it ends with 1 instead.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
python=.venv/bin/python

usable() { [ -n "$1" ] && command -v "$1" >/dev/null 2>&1 && "$1" --version >/dev/null 2>&1; }

found() {
  command -v "$1"
  exit 0
}

of_playwright() { # where playwright keeps its own, whether it is there or not
  "$python" - 2>/dev/null <<'PY'
from playwright.sync_api import sync_playwright

with sync_playwright() as p:
    print(p.chromium.executable_path)
PY
}

look() {
  local name
  for name in chromium google-chrome chromium-browser google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    if usable "$name"; then found "$name"; fi
  done
  name=$(of_playwright)
  if usable "$name"; then found "$name"; fi
}

missing() {
  echo "No Chromium for the browser tests: $1" >&2
  echo "Install Chromium or Google Chrome (on Debian: apt-get install chromium fonts-noto-cjk), or set CHROMIUM to one." >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

if [ -n "${CHROMIUM:-}" ]; then
  if usable "$CHROMIUM"; then found "$CHROMIUM"; fi
  missing "CHROMIUM is set to '$CHROMIUM', which does not start."
fi

look
if [ "${1:-}" = --find ]; then missing "none was found."; fi

why="none was found"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium and a Chinese font with apt-get ..." >&2
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >&2; then
    look
  fi
  why="$why, apt-get could not install one"
fi
if [ -x "$python" ]; then
  echo "Installing playwright's Chromium ..." >&2
  "$python" -m playwright install chromium >&2 && look
  why="$why, playwright could not install one that starts"
else
  why="$why, and .venv is not there yet (make test makes it)"
fi
missing "$why."
