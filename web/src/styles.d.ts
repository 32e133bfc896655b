/** Style sheets are imported for their effect only; the build turns them into a file. */
declare module "*.css";
