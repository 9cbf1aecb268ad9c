import type { PgControl } from "@tidemark/postgres";
import type { BackupConfiguration, BackupFacts, ConfigurationFileCopy } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { composeConfiguration, configurationNames, originalsFolder } from "./compose-configuration.ts";
import { sourceSetting } from "./source-settings.ts";

const limits = {
  maxConnections: 150,
  maxWorkerProcesses: 8,
  maxWalSenders: 12,
  maxPreparedTransactions: 3,
  maxLocksPerTransaction: 64,
};
const control = { limits, walLevel: "logical" } as PgControl;

function file(path: string, content: string | null, more: Partial<ConfigurationFileCopy> = {}): ConfigurationFileCopy {
  const encoding = content === null ? null : "utf8";
  return { purpose: "config", path, insideDataDirectory: false, content, encoding, whyNot: null, ...more };
}

function configuration(more: Partial<BackupConfiguration>): BackupConfiguration {
  const nothing = { fileSettings: null, settings: null, hbaRules: null, identMappings: null };
  return { dataDirectory: "/data", files: [], ...nothing, ...more };
}

function compose(known: BackupConfiguration | null, missing: readonly string[] = configurationNames) {
  const facts = { serverName: "orders", configuration: known } as BackupFacts;
  const files = composeConfiguration("bak_1", facts, missing, control);
  return new Map(files.map(({ path, bytes }) => [path, bytes.toString("utf8")]));
}

describe("composing a configuration", () => {
  it("writes nothing where nothing is missing", () => {
    expect(compose(configuration({ files: [file("/etc/x.conf", "a = 1")] }), []).size).toBe(0);
  });

  it("gives the limits of pg_control and says where it comes from", () => {
    const files = compose(null);
    expect([...files.keys()]).toEqual(["postgresql.conf", "pg_hba.conf", "pg_ident.conf"]);
    const settings = files.get("postgresql.conf") ?? "";
    for (const line of ["max_connections = 150", "max_wal_senders = 12", "wal_level = logical"]) {
      expect(settings.split("\n")).toContain(line);
    }
    expect(settings).toContain("backup bak_1 of orders");
    expect(settings).not.toContain("shared_preload_libraries");
    const rules = (files.get("pg_hba.conf") ?? "").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(rules).toEqual(["local all all peer"]);
  });

  it("brings no password of a connection to the disk", () => {
    const value = "host=db user=r password=hunter2";
    const where = { file: "/etc/x.conf", line: 1 };
    const line = { ...where, name: "primary_conninfo", value, applied: true, error: null };
    const known = configuration({
      files: [file("/etc/x.conf", `primary_conninfo = '${value}'\n`)],
      fileSettings: [line],
    });
    const files = compose(known);
    expect([...files.values()].join("")).not.toContain("hunter2");
    expect(files.get(`${originalsFolder}/etc/x.conf`)).toBe("primary_conninfo = 'host=db user=r'\n");
  });

  it("keeps originals below its own folder, whatever their paths say", () => {
    const known = configuration({
      files: [
        file("/etc/postgresql/15/main/postgresql.conf", "shared_preload_libraries = 'a,b'\n"),
        file("../../../etc/passwd", "x"),
        file("etc/passwd", "z"),
        file("/data/postgresql.auto.conf", "y", { insideDataDirectory: true, purpose: "include" }),
        file("/etc/odd.conf", Buffer.from([0xe9]).toString("base64"), { encoding: "base64", purpose: "include" }),
        file("/etc/secret.conf", null, { whyNot: "not allowed\nat all" }),
      ],
    });
    const files = compose(known);
    expect([...files.keys()].filter((path) => path.startsWith(originalsFolder))).toEqual([
      `${originalsFolder}/etc/postgresql/15/main/postgresql.conf`,
      `${originalsFolder}/etc/passwd`,
      `${originalsFolder}/2/etc/passwd`,
      `${originalsFolder}/etc/odd.conf`,
      `${originalsFolder}/README`,
    ]);
    expect(files.get("postgresql.conf")).toContain("shared_preload_libraries = 'a,b'");
    expect(files.get(`${originalsFolder}/README`)).toContain("not read: /etc/secret.conf");
  });

  it("lets no name of the source begin a line of its own", () => {
    const facts = { serverName: "x\nport = 1", configuration: null } as BackupFacts;
    for (const { bytes } of composeConfiguration("bak_1", facts, configurationNames, control)) {
      expect(bytes.toString("utf8").split("\n")).not.toContain("port = 1");
    }
  });

  it("lists what the server said of files that could not be read", () => {
    const readme = compose(
      configuration({
        files: [file("/etc/p.conf", null, { whyNot: "no right" })],
        fileSettings: [
          { file: "/etc/p.conf", line: 1, name: "port", value: "1", applied: false, error: null },
          { file: "/etc/p.conf", line: 2, name: "port", value: "5433", applied: true, error: null },
        ],
        hbaRules: [
          {
            file: null,
            line: 1,
            type: "host",
            databases: ["all"],
            users: ["app", "web"],
            address: "10.0.0.0",
            netmask: "255.0.0.0",
            method: "scram-sha-256",
            options: [],
            error: null,
          },
        ],
      }),
    ).get(`${originalsFolder}/README`);
    expect(readme).toContain("port = '5433'");
    expect(readme).not.toContain("port = '1'");
    expect(readme).toContain("host all app,web 10.0.0.0 255.0.0.0 scram-sha-256");
  });
});

describe("a setting of the source", () => {
  it.each([
    ["shared_preload_libraries = 'x'", "x"],
    ["SHARED_PRELOAD_LIBRARIES 'it''s'", "it's"],
    ["#shared_preload_libraries = 'x'", null],
    ["shared_preload_libraries = x # why\nshared_preload_libraries = 'y'", "y"],
    ["shared_preload_libraries_more = 'x'", null],
  ])("is read from %j as %j", (content, value) => {
    const known = configuration({ files: [file("/etc/p.conf", content)] });
    expect(sourceSetting(known, "shared_preload_libraries")).toBe(value);
  });

  it("is the last of several files, and the server's own word first", () => {
    const files = [file("/etc/a.conf", "x = 1"), file("/etc/b.conf", "x = 2", { purpose: "include" })];
    expect(sourceSetting(configuration({ files }), "x")).toBe("2");
    expect(sourceSetting(configuration({ files, settings: [{ name: "x", value: "3" }] }), "x")).toBe("3");
    expect(sourceSetting(null, "x")).toBeNull();
  });
});
