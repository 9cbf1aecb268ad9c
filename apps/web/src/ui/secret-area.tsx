import { Field } from "./field.tsx";

interface Props {
  readonly label: string;
  readonly hint: string;
  readonly name: string;
  readonly rows: number;
  readonly required?: boolean;
}

/** Several lines that nobody may read over a shoulder, and that no browser keeps. */
export function SecretArea({ label, hint, ...area }: Props) {
  return (
    <Field label={label} hint={hint}>
      {(control) => (
        <textarea
          {...control}
          {...area}
          spellCheck={false}
          autoComplete="off"
          className={`${control.className} py-2 font-mono [-webkit-text-security:disc]`}
        />
      )}
    </Field>
  );
}
