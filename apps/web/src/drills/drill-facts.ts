import { targetWords } from "./trial-target.ts";

/** Whether a drill came as far as a restored copy: one that was refused before, or broke off on the way, has none. */
export function wasRestored(drill: { readonly phases: readonly { readonly name: string }[] }): boolean {
  return drill.phases.some(({ name }) => name === "fetch");
}

/** To where a drill was asked to go, in words. */
export function askedWords(asked: { readonly target: unknown; readonly behindSeconds: number | null }): string {
  return targetWords(asked.behindSeconds === null ? asked.target : { kind: "behind", seconds: asked.behindSeconds });
}
