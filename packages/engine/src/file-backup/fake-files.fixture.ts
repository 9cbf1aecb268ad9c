import type { ClusterFiles, ListedEntry } from "./cluster-files.ts";

/** For tests: files as literals. A function gives another content at each reading; null is a file that is gone. */
export type FakeContent = Uint8Array | ((reading: number) => Uint8Array | null);

export interface FakeEntry {
  readonly content?: FakeContent;
  /** Folders need no entry unless they are empty. */
  readonly kind?: ListedEntry["kind"];
  /** What the listing says, when it is not the length of the first reading. */
  readonly listedBytes?: number;
}

export function fakeFiles(entries: Readonly<Record<string, FakeEntry>>, lanes = 2): ClusterFiles & { reads: string[] } {
  const readings = new Map<string, number>();
  const contentOf = (path: string): Uint8Array | null => {
    const content = entries[path]?.content;
    if (typeof content !== "function") return content ?? null;
    const reading = (readings.get(path) ?? 0) + 1;
    readings.set(path, reading);
    return content(reading);
  };
  const reads: string[] = [];
  return {
    lanes,
    notes: [],
    reads,
    list: async (folder) => {
      const found = new Map<string, ListedEntry>();
      for (const [path, { kind, content, listedBytes }] of Object.entries(entries)) {
        const below = folder === "" ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : "";
        const [name = "", ...rest] = below.split("/");
        if (name === "") continue;
        const length = content instanceof Uint8Array ? content.length : 0;
        const isFile = rest.length === 0;
        const sizeBytes = isFile ? (listedBytes ?? length) : 0;
        const mode = isFile && kind !== "folder" ? 0o600 : 0o700;
        found.set(name, { name, kind: isFile ? (kind ?? "file") : "folder", sizeBytes, mode, modifiedAt: new Date(0) });
      }
      return found.size === 0 && entries[folder] === undefined && folder !== "" ? null : [...found.values()];
    },
    read: async (path, offset, lengthBytes) => {
      reads.push(path);
      return contentOf(path)?.slice(offset, offset + lengthBytes) ?? null;
    },
    close: async () => undefined,
  };
}
