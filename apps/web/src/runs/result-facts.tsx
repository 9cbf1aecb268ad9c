import { bytes, count, duration, words } from "#lib/format.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";

/** The plain values of a run's result, named by their keys; what is nested has a view of its own or stays with the api. */
export function ResultFacts({ result }: { readonly result: unknown }) {
  if (typeof result !== "object" || result === null) return null;
  const entries = Object.entries(result);
  const values = entries.filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  const lists = entries.filter((entry): entry is [string, string[]] => isListOfText(entry[1]));
  if (values.length === 0 && lists.length === 0) return null;
  return (
    <Panel title="Result">
      <Facts columns={3}>
        {values.map(([key, value]) => (
          <Fact key={key} label={words(key.replace(/(Bytes|Ms)$/, ""))}>
            <ResultValue name={key} value={value as string | number | boolean} />
          </Fact>
        ))}
      </Facts>
      {lists.map(([key, lines]) => (
        <div key={key} className="mt-4 text-sm">
          <h3 className="font-medium">{words(key)}</h3>
          <ul className="mt-1 list-disc space-y-1 ps-5">
            {lines.map((line) => (
              <li key={line} className="break-words">
                {line}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </Panel>
  );
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((line) => typeof line === "string");
}

function ResultValue({ name, value }: { readonly name: string; readonly value: string | number | boolean }) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (/bytes$/i.test(name) && /^\d+$/.test(String(value))) return bytes(String(value));
  if (typeof value === "number") return name.endsWith("Ms") ? duration(value) : count(value);
  return <Mono>{value}</Mono>;
}
