import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export type Victim = "worker" | "api" | "metadata" | "server";
export type ActName = "backup" | "restore" | "retention";

export interface Kill {
  readonly act: ActName;
  readonly step: string;
  readonly victim: Victim;
  /** How the run ended that was running when the victim was killed. */
  readonly outcome: string;
}

/** One line for each step of each act, one column for each victim, and how many kills that were. */
export function drawKillTable(kills: readonly Kill[]): string {
  const rows = new Map<string, Map<Victim, string>>();
  for (const { act, step, victim, outcome } of kills) {
    const name = `${act.padEnd(10)} ${step}`;
    const row = rows.get(name) ?? new Map<Victim, string>();
    const before = row.get(victim);
    row.set(victim, before === undefined || before === outcome ? outcome : `${before}, ${outcome}`);
    rows.set(name, row);
  }
  const width = Math.max(0, ...[...rows.keys()].map((name) => name.length)) + 2;
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padEnd(14)).join("")}`.trimEnd();
  return [
    line("killed before (run was running)", victims),
    ...[...rows].map(([name, row]) =>
      line(
        name,
        victims.map((victim) => row.get(victim) ?? "-"),
      ),
    ),
    `${kills.length} kills: ${victims.map((victim) => `${kills.filter((kill) => kill.victim === victim).length} of the ${victim}`).join(", ")}`,
  ].join("\n");
}

/** Prints the table and keeps it beside the test logs. */
export function reportKills(kills: readonly Kill[]): void {
  const table = drawKillTable(kills);
  const folder = join(resolve(import.meta.dirname, "..", ".."), ".tidemark", "test-logs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kill-points.txt"), `${table}\n`);
  console.log(table);
}

const victims = ["worker", "api", "metadata", "server"] as const satisfies readonly Victim[];
