import { Secret } from "@tidemark/kit";
import { repositoryKeyFromText } from "@tidemark/repository";
import { expect, it } from "vitest";
import { isSameKey } from "./same-key.ts";

const keyOf = (text: string) => repositoryKeyFromText(new Secret(text));
const identity = `AGE-SECRET-KEY-1${"Q".repeat(58)}`;
const other = `AGE-SECRET-KEY-1${"P".repeat(58)}`;

it("knows an identity again without the remarks of its file, or beside another one", () => {
  expect(isSameKey(keyOf(`# created: today\n${identity}\n`), keyOf(identity))).toBe(true);
  expect(isSameKey(keyOf(identity), keyOf(`${other}\n${identity}`))).toBe(true);
  expect(isSameKey(keyOf(identity), keyOf(other))).toBe(false);
});

it("takes a passphrase as it is", () => {
  expect(isSameKey(keyOf("correct horse"), keyOf("correct horse\n"))).toBe(true);
  expect(isSameKey(keyOf("correct horse"), keyOf("correct horse "))).toBe(false);
  expect(isSameKey(keyOf("correct horse"), keyOf(identity))).toBe(false);
});
