import { expect, it } from "vitest";
import { printList, printOne } from "./output.ts";
import { captureOutput } from "./test-output.ts";

const columns = [
  { title: "id", value: (row: Row) => row.id },
  { title: "size", value: (row: Row) => row.size, alignRight: true },
];
interface Row {
  readonly id: string;
  readonly size: string;
}
const rows: readonly Row[] = [
  { id: "a", size: "1" },
  { id: "bcd", size: "1000" },
];

it("prints a JSON list as one array of objects, also an empty one", () => {
  const full = captureOutput("json");
  printList(full.output, rows, (row) => row, columns, "none");
  expect(JSON.parse(full.written())).toEqual(rows);
  const empty = captureOutput("json");
  printList(empty.output, [], (row: Row) => row, columns, "none");
  expect(JSON.parse(empty.written())).toEqual([]);
});

it("prints ndjson as one object a line", () => {
  const { output, written } = captureOutput("ndjson");
  printList(output, rows, (row) => row, columns, "none");
  expect(
    written()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(rows);
});

it("aligns a table and leaves no blanks at line ends", () => {
  const { output, written } = captureOutput("table");
  printList(output, rows, (row) => row, columns, "none");
  expect(written()).toBe("ID   SIZE\na       1\nbcd  1000\n");
});

it("says that a table is empty where results do not go", () => {
  const { output, written, noted } = captureOutput("table");
  printList(output, [], (row: Row) => row, columns, "no rows yet");
  expect([written(), noted()]).toEqual(["", "no rows yet\n"]);
});

it("leaves out facts that are not known", () => {
  const { output, written } = captureOutput("table");
  printOne(output, {}, [
    ["id", "a"],
    ["label", null],
  ]);
  expect(written()).toBe("id  a\n");
});
