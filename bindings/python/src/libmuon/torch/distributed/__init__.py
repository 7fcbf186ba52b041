"""Parameters that are spread over several processes: DTensors, as FSDP2 makes them, and ZeRO.

What is here moves tensors between ranks and makes ranks agree; what a step computes is the library's.
"""
