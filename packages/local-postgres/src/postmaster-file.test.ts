import { expect, it } from "vitest";
import { parsePostmasterFile } from "./postmaster-file.ts";

const whole = "4711\n/srv/data\n1767225600\n5433\n/srv/data-socket\n127.0.0.1\n  5433001    163840\nready   \n";

it("reads pid, port, socket folder and status of a running server", () => {
  expect(parsePostmasterFile(whole)).toEqual({
    pid: 4711,
    port: 5433,
    socketDir: "/srv/data-socket",
    status: "ready",
  });
});

it("reads what is there of a file the postmaster is still writing, cut anywhere after the pid's line", () => {
  for (let length = "4711\n".length; length <= whole.length; length++) {
    expect(parsePostmasterFile(whole.slice(0, length))?.pid).toBe(4711);
  }
});

it("takes the pid of a single-user backend, which writes it negated", () => {
  expect(parsePostmasterFile("-4711\n/srv/data\n")?.pid).toBe(4711);
});

it.each(["", "\n", "text\n", "0\n"])("sees no server in %j", (text) => {
  expect(parsePostmasterFile(text)).toBeNull();
});
