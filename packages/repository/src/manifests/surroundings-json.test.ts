import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { newTestRepository, takeTestBackup, testFacts } from "../test-repository.ts";
import { factsFromHeader } from "./backup-facts.ts";
import type { BackupConfiguration, BackupEnvironment } from "./backup-surroundings.ts";

const configuration: BackupConfiguration = {
  dataDirectory: "/var/lib/postgresql/15/main",
  files: [
    {
      purpose: "config",
      path: "/etc/postgresql/15/main/postgresql.conf",
      insideDataDirectory: false,
      content: "shared_preload_libraries = 'pg_stat_statements' # für alle\n",
      encoding: "utf8",
      whyNot: null,
    },
    { purpose: "hba", path: null, insideDataDirectory: null, content: null, encoding: null, whyNot: "not allowed" },
  ],
  fileSettings: [
    { file: "/etc/postgresql/15/main/x.conf", line: 3, name: "port", value: "5432", applied: true, error: null },
  ],
  settings: [{ name: "port", value: "5432" }],
  hbaRules: [
    {
      file: null,
      line: 90,
      type: "host",
      databases: ["all"],
      users: ["all"],
      address: "10.0.0.0",
      netmask: "255.0.0.0",
      method: "scram-sha-256",
      options: [],
      error: null,
    },
  ],
  identMappings: [{ file: null, line: 4, map: "m", systemUser: "root", databaseUser: "postgres", error: null }],
};

const environment: BackupEnvironment = {
  version: "PostgreSQL 15.8 on x86_64-pc-linux-gnu",
  serverEncoding: "UTF8",
  collations: [
    {
      database: "orders",
      name: null,
      provider: "libc",
      locale: "de_DE.UTF-8",
      characterType: "C",
      version: "2.36",
      actualVersion: "2.41",
    },
  ],
  icuVersion: "153.112",
  icuUnicodeVersion: null,
  libcVersion: "2.36",
  libraries: ["pg_stat_statements"],
  librariesHidden: false,
  extensionsWithLibraries: [
    { database: "orders", name: "pg_stat_statements", version: "1.10", libraries: ["$libdir/pg_stat_statements"] },
  ],
  functionLibraries: ["/opt/own.so"],
};

describe("the surroundings of a backup", () => {
  it("come back as they were written; a listing leaves the configuration out", async () => {
    const { area } = await newTestRepository();
    const facts = { ...testFacts, method: "read-files" as const, configuration, environment };
    await takeTestBackup(area, "bak_around", null, new Map([["PG_VERSION", Buffer.from("15\n")]]), facts);
    expect((await area.openManifest("bak_around")).backup.facts).toEqual(facts);
    const [listed] = await area.listBackups();
    expect(listed?.facts).toEqual({ ...facts, configuration: null });
  });

  it("are null in manifests that were written before there were any", () => {
    const {
      method,
      configuration: none,
      environment: neither,
      ...older
    } = JSON.parse(
      JSON.stringify(testFacts, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ) as Record<string, unknown>;
    expect([method, none, neither]).toEqual([null, null, null]);
    expect(factsFromHeader(older)).toEqual(testFacts);
  });

  it("have every field named in the format document", () => {
    const path = fileURLToPath(new URL("../../../../docs/repository-format.md", import.meta.url));
    const document = readFileSync(path, "utf8");
    const names = new Set<string>();
    JSON.stringify({ method: null, configuration, environment }, (key, value: unknown) => {
      if (/^[a-z]/i.test(key)) names.add(key);
      return value;
    });
    expect([...names].filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });
});
