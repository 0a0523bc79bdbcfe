"""The only part of core that knows streamlit: page frame, controls, charts."""
