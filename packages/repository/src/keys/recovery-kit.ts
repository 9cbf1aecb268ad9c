import type { Repository, RepositoryKey } from "../types.ts";

export interface RecoveryKitOptions {
  /** What people call the repository. */
  readonly name?: string;
  /** Where it can be reached from the machine that will restore; the repository's own location when left out. */
  readonly location?: string;
  /** Names of the servers whose backups are in it. */
  readonly serverNames: readonly string[];
  readonly madeAt: Date;
}

/**
 * The page an owner prints and keeps apart from the repository: with it and a copy of the repository, everything can be
 * restored without the control plane. Contains the key in clear; a passphrase is never printed.
 */
export function recoveryKit(repository: Repository, key: RepositoryKey | null, options: RecoveryKitOptions): string {
  const location = options.location ?? repository.location;
  const servers = options.serverNames.length > 0 ? options.serverNames : ["NAME"];
  const keyFlag = repository.encrypted
    ? key?.kind === "passphrase"
      ? " --passphrase"
      : " --key-file tidemark.key"
    : "";
  const commands = servers.map(
    (name) =>
      `  tidemark restore direct --repository ${quote(location)}${keyFlag} --server ${quote(name)} --to /new/empty/directory`,
  );
  return [
    "TIDEMARK RECOVERY KIT",
    "",
    "Keep this page apart from the repository, in a safe place. Whoever has both can read every backup.",
    "",
    ...(options.name === undefined ? [] : [`Name:        ${options.name}`]),
    `Repository:  ${repository.id}`,
    `Location:    ${location}`,
    `Format:      ${repository.formatVersion} (docs/repository-format.md)`,
    `Encryption:  ${repository.encrypted ? "AES-256-GCM" : "none"}`,
    `Made:        ${options.madeAt.toISOString()}`,
    `Servers:     ${options.serverNames.length > 0 ? options.serverNames.join(", ") : "none yet"}`,
    "",
    ...keySection(repository, key),
    "To restore without the control plane, on a machine that can reach the repository, with Node.js and Tidemark:",
    "",
    ...commands,
    "",
    "To restore without Tidemark: docs/repository-format.md describes every byte of the repository.",
    "",
  ].join("\n");
}

function keySection(repository: Repository, key: RepositoryKey | null): string[] {
  if (!repository.encrypted) return ["The repository is not encrypted; no key is needed.", ""];
  if (key?.kind === "passphrase") {
    return ["Passphrase (not printed; write it here by hand):", "", "  ______________________________________", ""];
  }
  if (key === null) return ["Key: not known here. This kit opens nothing without the key file.", ""];
  return [
    "Key file: save this one line as tidemark.key, readable by nobody else:",
    "",
    `  ${key.text.reveal().trim()}`,
    "",
  ];
}

/** As a POSIX shell takes it: plain where it can be, in single quotes otherwise. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
