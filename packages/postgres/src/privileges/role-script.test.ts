import { describe, expect, it } from "vitest";
import { type RolePurpose, rolePurposes } from "./privilege-report.ts";
import { roleScript } from "./role-script.ts";

const request = { role: "tidemark", database: "postgres" };

/** The statements that give something, without comments and the creation of the role. */
function grants(major: number, purpose: RolePurpose): string[] {
  const lines = roleScript({ ...request, major, purpose }).split("\n");
  return lines
    .filter((line) => line.startsWith("GRANT ") || line.startsWith("ALTER ROLE "))
    .map((line) => line.slice(0, -1));
}

describe("roleScript", () => {
  it("gives no more than backups need", () => {
    for (const major of [13, 14, 15, 16, 17, 18]) {
      expect(grants(major, "backup")).toEqual(['ALTER ROLE "tidemark" LOGIN', 'ALTER ROLE "tidemark" REPLICATION']);
    }
  });

  it("adds settings and statistics for WAL, as each major inherits them", () => {
    const attributes = ['ALTER ROLE "tidemark" LOGIN', 'ALTER ROLE "tidemark" REPLICATION'];
    const plain = ['GRANT pg_read_all_settings TO "tidemark"', 'GRANT pg_read_all_stats TO "tidemark"'];
    expect(grants(13, "backup-and-wal").toSorted()).toEqual([...attributes, ...plain].toSorted());
    expect(grants(15, "backup-and-wal").toSorted()).toEqual(
      [...attributes, ...plain, 'ALTER ROLE "tidemark" INHERIT'].toSorted(),
    );
    expect(grants(16, "backup-and-wal").toSorted()).toEqual(
      [...attributes, ...plain.map((grant) => `${grant} WITH INHERIT TRUE`)].toSorted(),
    );
  });

  it("names the backup functions of the major, and pg_checkpoint where there is one", () => {
    const of14 = roleScript({ ...request, major: 14, purpose: "operate" });
    expect(of14).toContain(
      'GRANT EXECUTE ON FUNCTION pg_catalog.pg_start_backup(text, boolean, boolean) TO "tidemark";',
    );
    expect(of14).not.toContain("GRANT pg_checkpoint");
    expect(of14).toContain("PostgreSQL 14 lets only superusers make a checkpoint");
    const of15 = roleScript({ ...request, major: 15, purpose: "operate" });
    expect(of15).toContain('GRANT EXECUTE ON FUNCTION pg_catalog.pg_backup_stop(boolean) TO "tidemark";');
    expect(of15).toContain('GRANT pg_checkpoint TO "tidemark";');
  });

  it("lets no name out of its quotes or its comments", () => {
    const role = `a"b'c\\d$do$\n; DROP TABLE x; --`;
    for (const purpose of rolePurposes) {
      const script = roleScript({ major: 16, role, purpose, database: 'd"\nDROP TABLE y' });
      for (const line of script.split("\n")) {
        if (line.startsWith("--")) expect(line).not.toContain("\n");
        expect(line.startsWith("DROP")).toBe(false);
      }
      expect(script).toContain("DO $doo$");
    }
  });

  it("refuses names PostgreSQL would cut", () => {
    expect(() => roleScript({ ...request, major: 18, purpose: "backup", role: "ü".repeat(32) })).toThrow(/63 bytes/);
    expect(() => roleScript({ ...request, major: 18, purpose: "backup", role: `${"ü".repeat(31)}x` })).not.toThrow();
  });
});
