/** A piece of HTML as text; esbuild bundles it. */
declare module "*.html" {
  const text: string;
  export default text;
}
