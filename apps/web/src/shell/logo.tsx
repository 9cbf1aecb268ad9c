export function Logo() {
  return (
    <span className="flex items-center gap-2.5">
      <svg aria-hidden viewBox="0 0 32 32" className="size-7">
        <rect width="32" height="32" rx="7" fill="#0e5a6e" />
        <path d="M7 9.5h18M7 9.5v13" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" opacity=".55" />
        <path
          d="M7 20c3 0 3-3.4 6-3.4s3 3.4 6 3.4 3-3.4 6-3.4"
          fill="none"
          stroke="#7fe0ee"
          strokeWidth="2.6"
          strokeLinecap="round"
        />
      </svg>
      <span className="text-[1.0625rem] font-semibold tracking-tight">Tidemark</span>
    </span>
  );
}
