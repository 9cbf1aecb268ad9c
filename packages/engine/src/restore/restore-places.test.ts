import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { RestorePlaces } from "./restore-places.ts";
import {
  clearUnfinished,
  inspectTargets,
  removeMark,
  restoringMark,
  wrapTargetError,
  writeMark,
} from "./restore-target.ts";

const places = new RestorePlaces("/target", [{ oid: 16385, from: "/old", to: "/fast/new" }], false);
const of = (path: string) => places.of(Buffer.from(path, "latin1"))?.toString("latin1") ?? null;

describe("RestorePlaces", () => {
  it.each([
    ["base/1/1259", "/target/base/1/1259"],
    ["pg_tblspc/16385/PG_18_202506291/5/7", "/fast/new/PG_18_202506291/5/7"],
    ["pg_tblspc/16386/PG_18_202506291/5/7", "/target/pg_tblspc/16386/PG_18_202506291/5/7"],
    ["pg_tblspc/163850/x", "/target/pg_tblspc/163850/x"],
    ["caf\u00e9", "/target/caf\u00e9"],
    ["postmaster.pid", null],
    ["standby.signal", null],
    ["base/standby.signal", "/target/base/standby.signal"],
  ])("puts %s at %s", (path, place) => {
    expect(of(path)).toBe(place);
  });

  it.each(["/etc/passwd", "../x", "base/../../x", "base//x", "", "a\0b"])("refuses the path %j", (path) => {
    expect(() => of(path)).toThrow("leads out of the data directory");
  });
});

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tidemark-target-"));
  folders.push(path);
  return path;
}

describe("inspectTarget", () => {
  it("tells absent, empty, occupied and unfinished apart", async () => {
    const path = await folder();
    const inspect = async (...folders: string[]) => (await inspectTargets(folders)).map((state) => state.kind);
    expect(await inspect(join(path, "none"), path)).toEqual(["absent", "empty"]);
    await writeFile(join(path, "file"), "");
    expect(await inspect(path, join(path, "file"))).toEqual(["occupied", "not-a-directory"]);
    const other = await folder();
    await writeFile(join(other, "file"), "");
    await writeMark(path, "bak_1", [path], new Date(0));
    expect(await inspect(path, other)).toEqual(["unfinished", "occupied"]);
    await removeMark(path);
    await writeMark(path, "bak_1", [path, other], new Date(0));
    expect(await inspect(path, other)).toEqual(["unfinished", "unfinished"]);
    expect(await inspect(other)).toEqual(["occupied"]);
  });

  it("clears an unfinished restore but for its mark, and nothing else ever", async () => {
    const path = await folder();
    await mkdir(join(path, "global"));
    await writeFile(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0xfe])]), "");
    await expect(clearUnfinished(path)).rejects.toMatchObject({ code: "target-not-empty" });
    await writeFile(join(path, restoringMark), "");
    await clearUnfinished(path);
    expect(await readdir(path)).toEqual([restoringMark]);
  });

  it("calls a full and a closed file system by their names", () => {
    const full = wrapTargetError(Object.assign(new Error("no space"), { code: "ENOSPC" }), "/t");
    const closed = wrapTargetError(Object.assign(new Error("read only"), { code: "EROFS" }), "/t");
    expect([full, closed]).toMatchObject([{ code: "target-full" }, { code: "target-not-writable" }]);
  });
});
