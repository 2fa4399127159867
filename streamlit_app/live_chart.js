// A Plotly chart that is redrawn in place: new data neither flicker nor undo the zoom (layout.uirevision).

let plotly;

function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { plotly = undefined; reject(new Error("The chart library did not load.")); };
    document.head.append(script);
  });
  return plotly;
}

function themed(layout, element) {
  const style = getComputedStyle(element);
  const colour = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const text = colour("--st-text-color", style.color);
  const line = colour("--st-border-color", "rgba(128, 138, 154, .3)");
  const axis = { gridcolor: line, linecolor: line, zeroline: false, automargin: true };
  const result = {
    ...layout,
    autosize: true,
    paper_bgcolor: "rgba(0, 0, 0, 0)",
    plot_bgcolor: "rgba(0, 0, 0, 0)",
    modebar: { bgcolor: "rgba(0, 0, 0, 0)", color: line, activecolor: text },
    font: { family: style.fontFamily, size: 12, color: text },
    hoverlabel: {
      align: "left",
      bgcolor: colour("--st-background-color", "#fff"),
      bordercolor: line,
      font: { family: style.fontFamily, color: text },
    },
  };
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    result[name] = { ...axis, ...layout[name] };
  }
  return result;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".bt-chart") ?? document.createElement("div");
  if (!host.isConnected) {
    host.className = "bt-chart";
    parentElement.append(host);
  }
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", data.label);
  const figure = JSON.parse(data.figure);
  host.style.height = `${figure.layout.height}px`;
  host.dataset.state = "Drawing the chart\u2026";
  loadPlotly(data.library).then(async (Plotly) => {
    if (!host.isConnected) return;
    await Plotly.react(host, figure.data, themed(figure.layout, host), {
      displaylogo: false,
      displayModeBar: data.tools ? "hover" : false,
      modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
      responsive: true,
    });
    if (!host.watched) {
      host.watched = new ResizeObserver(() => host.isConnected && Plotly.Plots.resize(host));
      host.watched.observe(host);
      host.on("plotly_click", (event) => {
        const name = event.points.map((point) => point.customdata).find((found) => found != null);
        if (host.clickable && name != null) setTriggerValue("clicked", String(name));
      });
    }
    host.clickable = data.clickable;
  }).catch(() => {
    host.dataset.state = "The chart could not be drawn. Reload the page.";
  });
  return () => {
    host.watched?.disconnect();
    window.Plotly?.purge(host);
  };
}
