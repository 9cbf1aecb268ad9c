import { expect, it } from "vitest";
import { formatSettings, settingArguments } from "./server-settings.ts";

it("quotes values for postgresql.conf so that they come out as they went in", () => {
  expect(formatSettings({ archive_command: "cp '%p' C:\\a", fsync: false, port: 5432 })).toBe(
    "archive_command = 'cp ''%p'' C:\\\\a'\nfsync = 'off'\nport = '5432'\n",
  );
});

it("gives settings on the command line as they are, since no quoting is undone there", () => {
  expect(settingArguments({ "my_ext.name": "a b'c", jit: true })).toEqual(["-c", "my_ext.name=a b'c", "-c", "jit=on"]);
});

it("refuses a line end, with which a value could bring settings of its own", () => {
  expect(() => formatSettings({ log_line_prefix: "x'\nport = 1" })).toThrow(RangeError);
});

it.each(["a b", "port=1", "", "a.b.c", "1a"])("refuses %j as a setting's name", (name) => {
  expect(() => settingArguments({ [name]: 1 })).toThrow(RangeError);
});
