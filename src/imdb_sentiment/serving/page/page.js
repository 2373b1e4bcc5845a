// The page asks the same API as any other client; addresses are relative, so that it works behind a prefix.
const part = (id) => document.getElementById(id);
const strongShare = 0.3; // of the strongest word's score, from which on a word is underlined too
const strongest = 5;
let model = null;
let busy = false;

function element(name, text, ...classes) {
  const made = document.createElement(name);
  made.textContent = text;
  made.classList.add(...classes);
  return made;
}

function show(id, visible = true) {
  part(id).hidden = !visible;
}

function complain(message) {
  part("problem").textContent = message;
  show("problem", message !== "");
}

async function learn() {
  try {
    const health = await (await fetch("healthz")).json();
    if (!health.model) {
      part("model").textContent = "The model is loading ...";
      setTimeout(learn, 1000);
      return;
    }
    describe(health);
  } catch {
    part("model").textContent = "The server does not answer.";
  }
}

function describe(health) {
  model = health.model;
  const [negative, positive] = model.labels;
  document.title = `Try ${model.name}`;
  part("title").textContent = `Try ${model.name}`;
  part("model").textContent =
    `It answers ${negative} or ${positive}: ${positive} above a probability of ${model.threshold}` +
    `${model.precision ? `, computed in ${model.precision}` : ""}.`;
  const isPair = model.text_columns.length === 2;
  if (isPair) {
    part("text-name").textContent = model.text_columns[0];
    part("text-pair-name").textContent = model.text_columns[1];
  }
  show("pair", isPair);
  show("words-option", model.explains);
  show("cascade-option", model.cascade);
}

async function ask(address, body) {
  const headers = { "Content-Type": "application/json" };
  if (part("token").value) headers.Authorization = `Bearer ${part("token").value}`;
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  const content = await response.json().catch(() => ({ detail: `The server answered ${response.status}.` }));
  if (response.status === 401) {
    show("token-option");
    part("token").focus();
  }
  if (!response.ok) throw new Error(content.detail);
  return content;
}

function showPrediction(prediction) {
  const percent = (value) => `${(100 * value).toFixed(1)}\u00a0%`;
  const { label, score, abstained } = prediction;
  part("label").textContent = abstained ? `No answer; perhaps ${label}` : label;
  part("verdict").textContent = `Calibrated probability of ${label}: ${percent(score)}`;
  part("result").classList.toggle("abstained", abstained);
  part("bars").replaceChildren(
    ...Object.entries(prediction.probabilities).map(([name, probability]) => {
      const bar = element("div", "", "bar", ...(name === model.labels[1] ? ["positive"] : []));
      const track = element("div", "", "track");
      track.setAttribute("aria-hidden", "true");
      const fill = document.createElement("div");
      fill.style.setProperty("--share", probability);
      track.append(fill);
      bar.append(element("span", name), track, element("span", percent(probability)));
      return bar;
    }),
  );
  const notes = [];
  const promise = part("promise").value.trim();
  if (abstained && promise) notes.push(`The probability is too low to keep the promise ${promise}.`);
  else if (abstained) notes.push(`The probability is below ${part("abstain").value}.`);
  if (prediction.truncated) notes.push("The text is longer than the model reads; a part of it was left out.");
  if (prediction.answered_by === "words") notes.push("The TF-IDF model was confident enough to answer alone.");
  part("notes").replaceChildren(...notes.map((note) => element("li", note)));
  show("explanation", false);
  show("result");
}

function showExplanation(explanation) {
  const [negative, positive] = explanation.labels;
  const highest = Math.max(...explanation.words.map((word) => Math.abs(word.score)), Number.MIN_VALUE);
  part("coloured").replaceChildren(
    ...explanation.texts.map((text, index) => {
      const line = document.createElement("div");
      const letters = Array.from(text); // positions count characters, not the halves of those outside the BMP
      let done = 0;
      for (const word of explanation.words.filter((one) => one.part === index)) {
        const strength = Math.abs(word.score) / highest;
        const mark = element("mark", letters.slice(word.start, word.end).join(""));
        mark.classList.toggle("positive", word.score > 0);
        mark.classList.toggle("strong", strength >= strongShare);
        mark.style.setProperty("--strength", strength);
        line.append(letters.slice(done, word.start).join(""), mark);
        done = word.end;
      }
      line.append(letters.slice(done).join(""));
      return line;
    }),
  );
  part("legend").textContent =
    `Green words speak for ${positive}, red ones for ${negative}; ` +
    `the strong ones are underlined, those for ${negative} with dots.`;
  const sorted = [...explanation.words].sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
  part("strongest").replaceChildren(
    ...sorted.slice(0, strongest).map((word) => {
      const row = document.createElement("tr");
      const sign = word.score > 0 ? "+" : "\u2212";
      row.append(
        element("td", word.word),
        element("td", word.score > 0 ? positive : negative),
        element("td", sign + Math.abs(word.score).toFixed(3)),
      );
      return row;
    }),
  );
  show("explanation", explanation.words.length > 0);
}

async function classify() {
  if (busy) return;
  busy = true;
  complain("");
  part("send").setAttribute("aria-disabled", "true");
  part("send").textContent = "Classifying ...";
  const texts = { text: part("text").value };
  if (model?.text_columns.length === 2) texts.text_pair = part("text-pair").value;
  const options = { abstain_below: Number(part("abstain").value) };
  if (part("promise").value.trim()) options.abstain = part("promise").value.trim();
  if (model?.cascade) options.cascade = part("cascade").checked;
  try {
    const { predictions } = await ask("predict", { ...texts, ...options });
    showPrediction(predictions[0]);
    if (model?.explains && part("words").checked) showExplanation(await ask("explain", texts));
  } catch (error) {
    complain(error.message);
  } finally {
    busy = false;
    part("send").removeAttribute("aria-disabled");
    part("send").textContent = "Classify";
  }
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  classify();
});
part("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part("form").requestSubmit();
});
learn();
