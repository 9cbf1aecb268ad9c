import type { Repository, RepositoryKey } from "../types.ts";
import type { KeySlot } from "./repository-keys.ts";

export interface RecoveryKitOptions {
  /** What people call the repository. */
  readonly name?: string;
  /** Where it can be reached from the machine that will restore; the repository's own location when left out. */
  readonly location?: string;
  /** Names of the servers whose backups are in it. */
  readonly serverNames: readonly string[];
  readonly madeAt: Date;
  /** Every key slot, so that the kit says which other keys open the repository. */
  readonly slots?: readonly KeySlot[];
}

/**
 * What an owner prints and keeps apart from the repository: with it and a copy of the repository, everything can be
 * restored without the control plane. Contains a key file's text in clear; a passphrase or an age identity is never in it.
 */
export interface RecoveryKit {
  readonly repositoryId: string;
  readonly name: string | null;
  readonly location: string;
  readonly formatVersion: number;
  readonly encrypted: boolean;
  readonly madeAt: Date;
  readonly serverNames: readonly string[];
  /** The whole line of the key file, or null where there is none to print. */
  readonly keyText: string | null;
  /** What stands where the key would; sentences. */
  readonly keySentences: readonly string[];
  /** Other keys that open it, one line each. */
  readonly otherKeys: readonly string[];
  /** Shell commands, one for each server. */
  readonly commands: readonly string[];
  /** The same with nothing but Node.js and one file of Tidemark's. */
  readonly standaloneCommands: readonly string[];
}

export function describeKit(
  repository: Repository,
  key: RepositoryKey | null,
  options: RecoveryKitOptions,
): RecoveryKit {
  const location = options.location ?? repository.location;
  const servers = options.serverNames.length > 0 ? options.serverNames : ["NAME"];
  const keyFlag = repository.encrypted ? keyFlags[key?.kind ?? "key-file"] : "";
  const standaloneFlag = repository.encrypted ? standaloneFlags[key?.kind ?? "key-file"] : "";
  // The one file reads folders only; what lies in a bucket is copied into one first.
  const folder = /^(\/|file:)/.test(location) ? location : "/copy/of/the/repository";
  const rest = (name: string): string => `--server ${quote(name)} --to /new/empty/directory`;
  return {
    repositoryId: repository.id,
    name: options.name ?? null,
    location,
    formatVersion: repository.formatVersion,
    encrypted: repository.encrypted,
    madeAt: options.madeAt,
    serverNames: options.serverNames,
    keyText: key?.kind === "key-file" ? key.text.reveal().trim() : null,
    keySentences: keySentences(repository, key),
    otherKeys: otherKeys(options.slots ?? []),
    commands: servers.map((name) => `tidemark restore direct --repository ${quote(location)}${keyFlag} ${rest(name)}`),
    standaloneCommands: servers.map(
      (name) => `node restore-standalone.mjs restore --repository ${quote(folder)}${standaloneFlag} ${rest(name)}`,
    ),
  };
}

const keyFlags = {
  "key-file": " --key-file tidemark.key",
  passphrase: " --passphrase-file passphrase.txt",
  "age-identity": " --key-file identity.txt",
} as const;

/** What `age -d` gives for the slot goes into a file of its own (docs/repository-format.md, "Keys"). */
const standaloneFlags = { ...keyFlags, "age-identity": " --slot-file slot.json" } as const;

function keySentences(repository: Repository, key: RepositoryKey | null): string[] {
  if (!repository.encrypted) return ["The repository is not encrypted; no key is needed."];
  switch (key?.kind) {
    case "passphrase":
      return ["Passphrase (not printed; write it here by hand):", "______________________________________"];
    case "age-identity":
      return [
        "An age identity opens it (not printed): keep the file identity.txt that age-keygen wrote with this page.",
      ];
    case "key-file":
      return ["Key file: save this one line as tidemark.key, readable by nobody else:"];
    default:
      return ["Key: not known here. This kit opens nothing without the key file."];
  }
}

function otherKeys(slots: readonly KeySlot[]): string[] {
  // A database host's key, for WAL alone, restores nothing.
  const others = slots.filter((slot) => slot.current && !slot.opened && slot.walOf === null);
  const owners = new Map(others.map((slot) => [slot.ownerId, slot]));
  return [...owners.values()].map(({ kind, label, recipient }) => {
    const what = {
      "key-file": "a key file",
      passphrase: "a passphrase",
      age: `the age identity of ${recipient ?? "?"}`,
    };
    return `${what[kind]}${label === null ? "" : ` (${label})`}`;
  });
}

/** In groups of four characters, four groups a line, for whoever types it; blanks do not matter to the reader. */
export function groupedKey(keyText: string): readonly string[] {
  const colon = keyText.indexOf(":") + 1;
  const groups = keyText.slice(colon).match(/.{1,4}/g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < groups.length; at += 4) lines.push(groups.slice(at, at + 4).join(" "));
  return [keyText.slice(0, colon), ...lines];
}

/** As a POSIX shell takes it: plain where it can be, in single quotes otherwise. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
