import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import {
  databaseRelationOid,
  mappedFileNumber,
  readDatabaseRows,
  transactionSegmentName,
  transactionStatusIn,
} from "./database-catalog.ts";

// 13, 15 and 18 are read from backups where one database is restored (packages/engine).
describe.each([14, 16, 17] as const)("the databases in the files of PostgreSQL %i", (major) => {
  it("are those the server names, and what was dropped, renamed or rolled back is not among them", async () => {
    await using server = await testServer({ major });
    await server.query('CREATE DATABASE "a ""quoted"" one"');
    await server.query("CREATE DATABASE dropped");
    await server.query("DROP DATABASE dropped");
    await server.query("CREATE DATABASE before");
    await server.query("ALTER DATABASE before RENAME TO after");
    await server.query("CREATE DATABASE stamp IS_TEMPLATE true");
    // Moves pg_database itself to another file number.
    await server.query("VACUUM FULL pg_database");
    await server.query("ALTER DATABASE after CONNECTION LIMIT 7");
    const expected = await server.query(
      'SELECT oid::int, datname AS name, datistemplate AS "isTemplate" FROM pg_database ORDER BY oid',
    );
    await server.query("CHECKPOINT");
    const read = (name: string) => readFile(join(server.dataDir, name));
    const number = mappedFileNumber(await read("global/pg_filenode.map"), databaseRelationOid);
    expect(number).not.toBeNull();
    const transactions = await read("pg_xact/0000");
    const statusOf = (transactionId: number) => {
      expect(transactionSegmentName(transactionId)).toBe("0000");
      return transactionStatusIn(transactions, transactionId);
    };
    const rows = readDatabaseRows(await read(`global/${number}`), { blockSize: 8192, major, statusOf });
    expect([...rows].sort((a, b) => a.oid - b.oid)).toEqual(expected);
  });
});

describe("mappedFileNumber", () => {
  it("refuses what is no map", () => {
    expect(() => mappedFileNumber(new Uint8Array(512), databaseRelationOid)).toThrow("another beginning");
    expect(() => mappedFileNumber(new Uint8Array(8), databaseRelationOid)).toThrow("cannot be read");
  });
});
