import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "@tidemark/kit";
import { FilesystemStore } from "./filesystem-store.ts";
import { MemoryStore } from "./memory-store.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * The store a URL names: `file:///absolute/path`, a plain absolute path, or `memory:` (a new, empty one each time).
 * Nothing is touched yet. Anything else is `bad-request`.
 */
export function openStore(url: string): ObjectStore {
  if (url === "memory:") return new MemoryStore();
  if (isAbsolute(url)) return new FilesystemStore(url);
  if (url.startsWith("file:")) return new FilesystemStore(pathOf(url));
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  throw new AppError("bad-request", {
    message:
      scheme === undefined
        ? `${JSON.stringify(url)} is neither an absolute path nor a URL`
        : `there is no driver for ${scheme}: repositories`,
    hint: "use file:///absolute/path or an absolute path",
  });
}

function pathOf(url: string): string {
  try {
    const parsed = new URL(url);
    if (!url.startsWith("file:///") || parsed.search !== "" || parsed.hash !== "") {
      throw new Error("only file:///absolute/path is understood");
    }
    return fileURLToPath(parsed);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("bad-request", { message: `${url} does not name a folder: ${why}`, cause });
  }
}
