from dask.distributed import Client

client = Client("SCHEDULER:8786")
pool = client.get_executor()
results = list(pool.map(work, items))
