"""What a model answered, criticised and revised → pairs to train on, and why others are none.

Pure: knows no Ray, no engine, no path.
"""
