import { describe, expect, it } from "vitest";
import { isFragmented, planResends, type TrustParent } from "./trust-plan.ts";
import { isDueInRound, trustRounds } from "./trust-round.ts";

const mib = 1024 * 1024;
const bytes = (path: string) => new TextEncoder().encode(path);

describe("isFragmented", () => {
  it.each([
    ["a full backup of large files", { plainBytes: 1024 * mib, runs: 8192, smallRuns: 0 }, false],
    [
      "thousands of small files, whose runs are short by nature",
      { plainBytes: 20 * mib, runs: 2000, smallRuns: 0 },
      false,
    ],
    ["2 % of the pages replaced", { plainBytes: 1024 * mib, runs: 13_000, smallRuns: 3600 }, false],
    ["4 % of the pages replaced", { plainBytes: 1024 * mib, runs: 17_600, smallRuns: 7400 }, true],
    ["a short mean with an eighth small", { plainBytes: 1024 * mib, runs: 20_000, smallRuns: 3000 }, true],
    ["no runs at all", { plainBytes: 0, runs: 0, smallRuns: 0 }, false],
  ])("of %s", (_what, { plainBytes, runs, smallRuns }, answer) => {
    expect(isFragmented({ plainBytes: BigInt(plainBytes), counts: { runs, smallRuns, zeroBytes: 0n } })).toBe(answer);
  });

  it("does not judge a manifest of the first format, which does not count runs", () => {
    expect(isFragmented({ plainBytes: 1n, counts: { runs: null, smallRuns: null, zeroBytes: null } })).toBe(false);
  });
});

describe("planResends", () => {
  it("asks for the round's files, and does not even read the list of files when nothing is fragmented", async () => {
    const parent = parentOf([], { runs: 8, smallRuns: 0 });
    const plan = await planResends({ ...parent, files: neverAsked }, 3);
    expect(plan.reason).toBeNull();
    for (let number = 20_000; number < 20_200; number++) {
      const path = bytes(`base/5/${number}`);
      expect(plan.includes(path)).toBe(isDueInRound(path, 3));
    }
  });

  it("asks again for files with pages that did not match their checksum: what is carried nobody looks at", async () => {
    const suspectPages = [{ path: "base/5/40000", blocks: [3] }];
    const plan = await planResends({ ...parentOf([], { runs: 8, smallRuns: 0 }), suspectPages }, 3);
    expect(plan.includes(bytes("base/5/40000"))).toBe(true);
    expect(plan.includes(bytes("base/5/40000.1"))).toBe(isDueInRound(bytes("base/5/40000.1"), 3));
    expect(plan.reason).toBe("1 file had pages that did not match their checksum: it is asked for in full again");
  });

  it("asks for everything again where more such pages were found than are listed", async () => {
    const suspectPages = [{ path: "base/5/40000", blocks: Array.from({ length: 10_000 }, (_, at) => at) }];
    const plan = await planResends({ ...parentOf([], { runs: 8, smallRuns: 0 }), suspectPages }, 3);
    expect(Array.from({ length: 100 }, (_, at) => plan.includes(bytes(`base/5/${50_000 + at}`)))).not.toContain(false);
    expect(plan.reason).toContain("not all of them are known");
  });

  it("adds the most fragmented files first, up to an eighth of the bytes", async () => {
    const files = Array.from({ length: 32 }, (_, at) => ({
      path: `base/5/${30_000 + at}`,
      mib: 10,
      runs: 160,
      smallRuns: 50 + at,
    }));
    const plan = await planResends(parentOf(files), 0);
    const chosen = files.filter(({ path }) => plan.includes(bytes(path)) && !isDueInRound(bytes(path), 0));
    expect(chosen.map(({ path }) => path)).toEqual(
      files
        .slice(-4)
        .map(({ path }) => path)
        .filter((path) => !isDueInRound(bytes(path), 0)),
    );
    expect(plan.reason).toMatch(
      /^what is stored has become fragmented \(mean run 64 KiB, 41 % of the runs small\): 4 files are/,
    );
  });

  it("takes one file even where it is more than an eighth, and none but relations", async () => {
    const files = [
      { path: "base/5/40000", mib: 1000, runs: 16_000, smallRuns: 9000 },
      { path: "log/postgresql.log", mib: 1, runs: 100, smallRuns: 100 },
      { path: "base/5/40000_fsm", mib: 1, runs: 100, smallRuns: 100 },
    ];
    for (let round = 0; round < trustRounds; round++) {
      const plan = await planResends(parentOf(files), round);
      expect(plan.includes(bytes("base/5/40000"))).toBe(true);
      expect(plan.includes(bytes("log/postgresql.log"))).toBe(isDueInRound(bytes("log/postgresql.log"), round));
    }
  });

  it("stops as soon as enough is mended", async () => {
    const files = [
      { path: "base/5/50000", mib: 1, runs: 100, smallRuns: 90 },
      ...Array.from({ length: 20 }, (_, at) => ({ path: `base/5/${50_001 + at}`, mib: 10, runs: 8, smallRuns: 2 })),
    ];
    const plan = await planResends(parentOf(files), 0);
    const chosen = files.filter(({ path }) => plan.includes(bytes(path)) && !isDueInRound(bytes(path), 0));
    expect(chosen.map(({ path }) => path)).toEqual(["base/5/50000"]);
  });
});

interface SomeFile {
  readonly path: string;
  readonly mib: number;
  readonly runs: number;
  readonly smallRuns: number;
}

function parentOf(
  files: readonly SomeFile[],
  counts?: { readonly runs: number; readonly smallRuns: number },
): TrustParent {
  const sum = (of: (file: SomeFile) => number) => files.reduce((total, file) => total + of(file), 0);
  return {
    plainBytes: BigInt(sum((file) => file.mib * mib)),
    counts: {
      ...(counts ?? { runs: sum((file) => file.runs), smallRuns: sum((file) => file.smallRuns) }),
      zeroBytes: 0n,
    },
    suspectPages: [],
    files: async function* () {
      for (const { path, mib: size, runs, smallRuns } of files) {
        yield { path: bytes(path), sizeBytes: BigInt(size * mib), runs, smallRuns };
      }
    },
  };
}

function neverAsked(): never {
  throw new Error("the list of files was read");
}
