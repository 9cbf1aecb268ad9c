import { systemClock } from "@tidemark/kit";
import { inspectServer, parseDsn, readPrivileges, SqlSession } from "@tidemark/postgres";
import { standbyOf, type TestServer, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { isOwnSlot } from "./own-slots.ts";
import { snapshotDocument } from "./snapshot-document.ts";

// The oldest major lacks most columns and functions the newest has; the majors between are inspected in their own package.
describe.each([13, 18] as const)("the snapshot of a server of %i", (major) => {
  it("holds a primary with a slot in use, its standby, and a role that may see next to nothing", async () => {
    await using primary = await testServer({ major });
    await using standby = await standbyOf(primary);
    await primary.query("SELECT pg_create_physical_replication_slot('tidemark_kept', true)");
    await primary.query("CREATE ROLE nobody LOGIN PASSWORD 'x'");
    const ofPrimary = await documentOf(primary.dsn());
    expect(ofPrimary.info).toMatchObject({ major, inRecovery: false, valid: true });
    expect(ofPrimary.recovery).toBeNull();
    expect(ofPrimary.slots).toMatchObject([{ name: "tidemark_kept", own: true, walStatus: "reserved" }]);
    expect(ofPrimary.replication).toMatchObject([{ kind: "standby", sentLsn: expect.stringMatching(/^0\//) }]);

    const ofStandby = await documentOf(standby.dsn());
    expect(ofStandby.info).toMatchObject({ inRecovery: true, systemIdentifier: ofPrimary.info.systemIdentifier });
    expect(ofStandby.recovery).toMatchObject({ receiverStatus: "streaming", isPaused: false });
    expect(ofStandby.wal).toMatchObject({ fileName: null, timeline: null });

    const hidden = await documentOf(primary.dsn({ user: "nobody", password: "x" }));
    expect(hidden).toMatchObject({ configurationFiles: null, info: { dataDirectory: null } });
    expect(hidden.unreadable.map(({ section }) => section)).toContain("configurationFiles");
    expect(hidden.privileges).toMatchObject({ role: "nobody", isSuperuser: false });
  });
});

async function documentOf(dsn: ReturnType<TestServer["dsn"]>) {
  const session = await SqlSession.connect(parseDsn(dsn));
  try {
    const inspection = await inspectServer(session, { clock: systemClock, ownSlots: isOwnSlot });
    return snapshotDocument(inspection, JSON.parse(JSON.stringify(await readPrivileges(session))));
  } finally {
    await session.close();
  }
}
