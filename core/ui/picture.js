// Two buttons that ask the chart on the page for a picture of itself.

export default function ({ parentElement, data }) {
  for (const button of parentElement.querySelectorAll(".lab-picture button")) {
    button.textContent = data.labels[button.value];
    button.disabled = !data.ready;
    button.onclick = () => {
      const chart = document.querySelector(`.st-key-${CSS.escape(data.chart)} .lab-chart`);
      chart?.dispatchEvent(new CustomEvent("lab-picture", { detail: button.value }));
    };
  }
}
