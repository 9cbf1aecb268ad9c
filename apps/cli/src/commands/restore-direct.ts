import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import type { Register } from "../program.ts";

export function addDirectRestore(_restore: Command, _context: CommandContext, _register: Register): void {
  return;
}
