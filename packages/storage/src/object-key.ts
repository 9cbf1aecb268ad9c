import { AppError } from "@tidemark/kit";

const part = /^[A-Za-z0-9._=+-]+$/;

/** Whether one part of a key (between slashes) is one we would ever write. */
export function isKeyPart(name: string): boolean {
  return part.test(name) && name !== "." && name !== "..";
}

/** Refuses (`bad-request`) what is no key by the contract of `ObjectStore`, before any driver turns it into a path. */
export function assertObjectKey(key: string): void {
  if (key.length > 0 && key.split("/").every(isKeyPart)) return;
  throw new AppError("bad-request", { message: `${JSON.stringify(key)} is not an object key`, context: { key } });
}

/** A prefix is empty or a key with a `/` behind it. */
export function assertPrefix(prefix: string): void {
  if (prefix === "") return;
  if (prefix.endsWith("/")) {
    assertObjectKey(prefix.slice(0, -1));
    return;
  }
  throw new AppError("bad-request", { message: `${JSON.stringify(prefix)} is not a prefix`, context: { prefix } });
}
