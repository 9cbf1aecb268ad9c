import { AppError } from "@tidemark/kit";
import { assertId } from "../paths.ts";
import type { NewKeyOwner } from "./repository-keys.ts";

/** What was asked of a key that opens the WAL of some servers and nothing else. `name`: of an object, where it was one. */
export function outOfScope(name: string | null, walOf: readonly string[]): AppError {
  const what = name === null ? "" : `, and ${name} is something else`;
  return new AppError("repository-key-scope", {
    message: `this key opens only the WAL of ${walOf.join(", ")}${what}`,
    hint: "it was made for a database host; use a key that opens everything: `tidemark repository keys NAME` lists them, a recovery kit has one",
    context: { walOf: walOf.join(", "), ...(name === null ? {} : { key: name }) },
  });
}

/**
 * WAL of the server that a host's key is for, and which it cannot open all the same: it is there, so nobody may take it for
 * missing, and it is whole, so nobody may take it for damaged.
 */
export function walKeyMissing(name: string, keyId: string, isWalKeyed: boolean): AppError {
  return new AppError("wal-key-missing", {
    message: isWalKeyed
      ? `${name} is there, sealed with a key made of ${keyId}, which this host was not given: the repository's keys were rotated`
      : `${name} is there, sealed as before hosts had keys for WAL alone: this host's key does not open it`,
    hint: isWalKeyed
      ? "on this host run `tidemark server host-config SERVER --to FILE --replace` with the settings file it has, which gives it a key for what was stored since; then ask again. Nothing was changed, and the server keeps what is not archived"
      : "give the host's settings a key file that opens everything for this once (`keyFile`), or restore with --wal copy. Nothing was changed, and the server keeps what is not archived",
    context: { key: name, keyId },
  });
}

/** Throws `bad-request` for what no slot for the WAL of one server is made for. */
export function assertWalOwner(owner: NewKeyOwner, walOf: string): void {
  assertId(walOf, "server id");
  if (owner.kind === "key-file") return;
  throw new AppError("bad-request", {
    message: "a key for the WAL of one server is a key file",
    hint: "`tidemark server host-config` makes one",
    context: { field: "walOf" },
  });
}

export function notRewrapped(walOf: string): AppError {
  return new AppError("bad-request", {
    message: `this key opens only the WAL of ${walOf}: it is not replaced but made anew`,
    hint: "run `tidemark server host-config` for the host, then remove the old key",
    context: { field: "from" },
  });
}
