"""Who asks for fork gets it, and needs no guard."""
import multiprocessing

multiprocessing.set_start_method("fork")
workers = multiprocessing.Pool()
