import { renderSVG } from "uqr";
import type { Repository, RepositoryKey } from "../types.ts";
import { describeKit, groupedKey, type RecoveryKitOptions } from "./recovery-kit.ts";
import { kitFacts } from "./recovery-kit-text.ts";

/**
 * The kit as a page for paper: one HTML file that loads nothing and fits on A4, with the key as text, in groups for
 * typing and as a QR code. Like the text, it is a key file as well.
 */
export function recoveryKitPage(
  repository: Repository,
  key: RepositoryKey | null,
  options: RecoveryKitOptions,
): string {
  const kit = describeKit(repository, key, options);
  const title = `Recovery kit of ${kit.name ?? kit.repositoryId}`;
  const facts = kitFacts(kit).map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>Tidemark recovery kit</h1>
<p class="warn">Keep this page apart from the repository, in a safe place. Whoever has both can read every backup.</p>
<dl>${facts.join("")}</dl>
<h2>Key</h2>
${keyPart(kit.keyText, kit.keySentences)}
${listPart("It is opened as well by", kit.otherKeys)}
<h2>To restore without the control plane</h2>
<p>On a machine that can reach the repository, with Node.js and Tidemark:</p>
${commandPart(kit.commands)}
<h2>To restore without Tidemark</h2>
<p>With Node.js 24.7 or newer and the one file <code>scripts/restore-standalone.mjs</code>:</p>
${commandPart(kit.standaloneCommands)}
<p><code>docs/repository-format.md</code> describes every byte of the repository, so that another reader can be written.</p>
</body>
</html>
`;
}

function keyPart(keyText: string | null, sentences: readonly string[]): string {
  const said = sentences.map((sentence) => `<p>${escaped(sentence)}</p>`).join("\n");
  if (keyText === null) return said;
  const typed = groupedKey(keyText).map(escaped).join("\n");
  return `${said}
<pre class="key">${escaped(keyText)}</pre>
<div class="beside">
<div><p>The same, to type it in (one line; blanks do not matter):</p>
<pre>${typed}</pre></div>
<div class="qr" role="img" aria-label="The key as a QR code">${renderSVG(keyText, { ecc: "M", border: 2 })}</div>
</div>`;
}

function listPart(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return `<p>${escaped(title)}:</p>\n<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`;
}

function commandPart(commands: readonly string[]): string {
  return `<pre>${commands.map(escaped).join("\n")}</pre>`;
}

function escaped(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] ?? character);
}

/** A4 with margins that every printer keeps; black on white, since it is read by a person at night, from a photocopy. */
const style = `
@page { size: A4; margin: 18mm; }
body { font: 11pt/1.4 serif; color: #000; background: #fff; max-width: 174mm; margin: 1.5em auto; }
h1 { font-size: 18pt; margin: 0 0 .3em; } h2 { font-size: 12pt; margin: 1.2em 0 .3em; break-after: avoid; }
.warn { border: 1pt solid #000; padding: .4em .6em; font-weight: bold; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1.2em; } dt { font-weight: bold; } dd { margin: 0; }
dd, pre, code { font-family: monospace; font-size: 10pt; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border: .5pt solid #777; padding: .5em; margin: .3em 0; break-inside: avoid; }
.beside { display: flex; gap: 8mm; align-items: flex-start; break-inside: avoid; } .beside p { margin: .3em 0; }
.qr svg { width: 38mm; height: 38mm; display: block; }
`;
