import { CopyButton } from "./copy-button.tsx";

interface CodeBlockProps {
  readonly what: string;
  /** Where or as whom to paste it. */
  readonly hint?: string;
  readonly text: string;
}

/** Text to be pasted elsewhere, with its copy button. */
export function CodeBlock({ what, hint, text }: CodeBlockProps) {
  return (
    <figure aria-label={what} className="min-w-0 rounded-md border bg-raised">
      <figcaption className="flex items-center justify-between gap-3 border-b px-3 py-1.5 text-[0.8125rem] text-muted">
        <span>
          {what}
          {hint !== undefined && <span>, {hint}</span>}
        </span>
        <CopyButton text={text} what={what} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable by keyboard (WCAG 2.1.1). */}
      <pre tabIndex={0} className="overflow-x-auto px-3 py-2.5 leading-relaxed">
        {text}
      </pre>
    </figure>
  );
}
