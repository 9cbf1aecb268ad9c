import { clsx } from "clsx";
import { type ComponentProps, type ReactNode, useId } from "react";

export const controlClass =
  "w-full rounded-md border border-field bg-surface px-3 text-sm min-h-9 max-md:min-h-11 max-md:text-base placeholder:text-muted aria-invalid:border-bad";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | null;
  readonly children: (control: ControlProps) => ReactNode;
}

/** What ties a control to its label, hint and error. */
export interface ControlProps {
  readonly id: string;
  readonly className: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": true | undefined;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [hint === undefined ? null : `${id}-hint`, error ? `${id}-error` : null].filter(
    (part) => part !== null,
  );
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-sm font-medium">
        {label}
      </label>
      {children({
        id,
        className: controlClass,
        "aria-describedby": described.length === 0 ? undefined : described.join(" "),
        "aria-invalid": error ? true : undefined,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-[0.8125rem] text-muted">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="text-[0.8125rem] font-medium text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, "children"> & ComponentProps<"input"> & { readonly mono?: boolean };

export function TextField({ label, hint, error, mono = false, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error ?? null}>
      {(control) => (
        <input
          type="text"
          autoComplete="off"
          {...control}
          className={clsx(control.className, mono && "font-mono")}
          {...input}
        />
      )}
    </Field>
  );
}

type SelectFieldProps = Omit<FieldProps, "children"> & ComponentProps<"select">;

export function SelectField({ label, hint, error, children, ...select }: SelectFieldProps) {
  return (
    <Field label={label} hint={hint} error={error ?? null}>
      {(control) => (
        <select {...control} {...select}>
          {children}
        </select>
      )}
    </Field>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly checked: boolean;
  readonly onChoose: (value: string) => void;
  readonly title: string;
  readonly children?: ReactNode;
}

/** A radio button with a sentence about what it means. */
export function Choice({ name, value, checked, onChoose, title, children }: ChoiceProps) {
  return (
    <label
      className={clsx(
        "flex cursor-pointer gap-3 rounded-md border px-3.5 py-2.5 text-sm",
        checked ? "border-accent bg-accent-tint" : "border-line hover:bg-raised",
      )}
    >
      <input
        type="radio"
        name={name}
        value={value}
        checked={checked}
        onChange={() => onChoose(value)}
        className="mt-1 size-4 shrink-0"
      />
      <span className="min-w-0">
        <span className="font-medium">{title}</span>
        {children !== undefined && <span className="block text-muted">{children}</span>}
      </span>
    </label>
  );
}

export function CheckField({
  label,
  hint,
  ...input
}: ComponentProps<"input"> & { readonly label: string; readonly hint?: string }) {
  return (
    <label className="flex cursor-pointer gap-3 py-1 text-sm">
      <input type="checkbox" className="mt-1 size-4 shrink-0" {...input} />
      <span>
        <span className="font-medium">{label}</span>
        {hint !== undefined && <span className="block text-muted">{hint}</span>}
      </span>
    </label>
  );
}
