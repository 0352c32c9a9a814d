"""Running submissions on a Dask cluster."""
