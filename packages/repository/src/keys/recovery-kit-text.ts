import type { Repository, RepositoryKey } from "../types.ts";
import { describeKit, groupedKey, type RecoveryKit, type RecoveryKitOptions } from "./recovery-kit.ts";

/** The kit as plain text, which is a key file as well: `--key-file` takes it as it is. */
export function recoveryKit(repository: Repository, key: RepositoryKey | null, options: RecoveryKitOptions): string {
  const kit = describeKit(repository, key, options);
  return [
    "TIDEMARK RECOVERY KIT",
    "",
    "Keep this page apart from the repository, in a safe place. Whoever has both can read every backup.",
    "",
    ...kitFacts(kit).map(([label, value]) => `${`${label}:`.padEnd(12)} ${value}`),
    "",
    ...keyLines(kit),
    "To restore without the control plane, on a machine that can reach the repository, with Node.js and Tidemark:",
    "",
    ...kit.commands.map((command) => `  ${command}`),
    "",
    "To restore without Tidemark, with Node.js 24.7 or newer and the one file scripts/restore-standalone.mjs:",
    "",
    ...kit.standaloneCommands.map((command) => `  ${command}`),
    "",
    "docs/repository-format.md describes every byte of the repository, so that another reader can be written.",
    "",
  ].join("\n");
}

/** The facts of the kit's head, in their order. */
export function kitFacts(kit: RecoveryKit): readonly (readonly [string, string])[] {
  return [
    ...(kit.name === null ? [] : [["Name", kit.name] as const]),
    ["Repository", kit.repositoryId],
    ["Location", kit.location],
    ["Format", `${kit.formatVersion} (docs/repository-format.md)`],
    ["Encryption", kit.encrypted ? "AES-256-GCM" : "none"],
    ["Made", kit.madeAt.toISOString()],
    ["Servers", kit.serverNames.length > 0 ? kit.serverNames.join(", ") : "none yet"],
  ];
}

function keyLines(kit: RecoveryKit): string[] {
  const typed = kit.keyText === null ? [] : groupedKey(kit.keyText);
  const others = kit.otherKeys.map((line) => `  ${line}`);
  return [
    ...kit.keySentences,
    "",
    ...(kit.keyText === null ? [] : [`  ${kit.keyText}`, ""]),
    ...(typed.length === 0
      ? []
      : ["The same, to type it in (one line; blanks do not matter):", "", ...typed.map((line) => `  ${line}`), ""]),
    ...(others.length === 0 ? [] : ["It is opened as well by:", "", ...others, ""]),
  ];
}
