import { describe, expect, it } from "vitest";
import type { Asker } from "./asker.ts";
import { listDirectoryPage } from "./server-files.ts";

/** What the server answers: a name without a size went away between the listing and the look at it. */
function answering(rows: readonly { readonly name: string; readonly size: string | null }[]): Asker {
  const whole = rows.map(({ name, size }) => ({
    name,
    name_bytes: Buffer.byteLength(name),
    size,
    isdir: false,
    modified_ms: 0,
  }));
  return { query: async () => whole } as unknown as Asker;
}

describe("listDirectoryPage", () => {
  it("goes on behind a page whose files all went away", async () => {
    const asker = answering([
      { name: "a", size: null },
      { name: "b", size: null },
    ]);
    const page = await listDirectoryPage(asker, "base/5", { after: "0", limit: 2 });
    expect(page).toEqual({ entries: [], lastName: "b", isFull: true });
  });

  it("ends at a page that has fewer names than were asked for", async () => {
    const asker = answering([{ name: "a", size: "12" }]);
    const page = await listDirectoryPage(asker, "base/5", { after: "0", limit: 2 });
    expect(page).toMatchObject({ entries: [{ name: "a", sizeBytes: 12n }], lastName: "a", isFull: false });
  });
});
