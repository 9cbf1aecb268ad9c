import { AppError } from "@tidemark/kit";
import { assertObjectKey, assertPrefix, isKeyPart } from "../object-key.ts";

/** The keys of a repository within a bucket or container: everything below one prefix. */
export class KeySpace {
  /** Empty, or ends in `/`. */
  readonly root: string;

  /** `path` as it stands in a URL behind the bucket: `/a/b`, `/a/b/`, `/` or nothing. */
  constructor(path: string) {
    const trimmed = path.replace(/^\/+|\/+$/g, "");
    if (trimmed !== "" && !trimmed.split("/").every(isKeyPart)) {
      throw new AppError("bad-request", {
        message: `${JSON.stringify(trimmed)} cannot be a prefix: its parts are made of A-Z a-z 0-9 . _ = + -`,
      });
    }
    this.root = trimmed === "" ? "" : `${trimmed}/`;
  }

  /** The store's name of one of our keys. Throws `bad-request` for what is no key. */
  nameOf(key: string): string {
    assertObjectKey(key);
    return this.root + key;
  }

  prefixOf(prefix: string): string {
    assertPrefix(prefix);
    return this.root + prefix;
  }

  /** Our key of a store's name, or null for what we never wrote (a console's folder marker, a probe's object). */
  keyOf(name: string): string | null {
    if (!name.startsWith(this.root)) return null;
    const key = name.slice(this.root.length);
    return key !== "" && key.split("/").every(isKeyPart) ? key : null;
  }

  /** The name directly below `prefix` of a common prefix that ends in `/`, or null when it is none of ours. */
  partOf(commonPrefix: string, prefix: string): string | null {
    const part = commonPrefix.slice(this.root.length + prefix.length).replace(/\/$/, "");
    return isKeyPart(part) ? part : null;
  }

  /** A name no key can have (`~` is in none), for what a probe writes and removes. */
  probeName(id: string): string {
    return `${this.root}${probeFolder}${id}`;
  }

  /** Whether something under this name makes the place taken: all but our probes and folder markers of consoles. */
  isForeign(name: string, sizeBytes: number): boolean {
    if (name.startsWith(this.root + probeFolder)) return false;
    return !(name.endsWith("/") && sizeBytes === 0);
  }
}

const probeFolder = "~probe/";
