"""Charts as pure functions from arrays to Plotly figures; they know neither Streamlit nor the server."""
