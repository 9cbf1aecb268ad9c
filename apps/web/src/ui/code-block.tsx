import { CopyButton } from "./copy-button.tsx";

/** Text to be pasted elsewhere, with its copy button. */
export function CodeBlock({ what, text }: { readonly what: string; readonly text: string }) {
  return (
    <figure className="min-w-0 rounded-md border bg-raised">
      <figcaption className="flex items-center justify-between gap-3 border-b px-3 py-1.5 text-[0.8125rem] text-muted">
        {what}
        <CopyButton text={text} what={what} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable by keyboard (WCAG 2.1.1). */}
      <pre tabIndex={0} className="overflow-x-auto px-3 py-2.5 leading-relaxed">
        {text}
      </pre>
    </figure>
  );
}
