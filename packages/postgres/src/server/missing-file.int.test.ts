import { rename } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { testServer } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { asking } from "./fact-servers.fixture.ts";
import { inspectServer } from "./inspect-server.ts";
import { readConfiguration } from "./read-configuration.ts";

it.each([15, 18] as const)("a server of %i without pg_ident.conf is inspected all the same", async (major) => {
  await using server = await testServer({ major });
  await rename(join(server.dataDir, "pg_ident.conf"), join(server.dataDir, "pg_ident.gone"));
  await server.restart();
  await asking(server, async (session) => {
    const { info, configurationFiles, unreadable } = await inspectServer(session, { clock: systemClock });
    expect(info.major).toBe(major);
    expect(configurationFiles?.map(({ purpose }) => purpose)).toEqual(expect.arrayContaining(["config", "hba"]));
    expect(unreadable).toEqual([]);
    const configuration = await readConfiguration(session);
    expect(configuration.files.find(({ purpose }) => purpose === "ident")?.whyNot).toBe("there is no such file");
    expect(configuration.identMappings).toBeNull();
  });
});
