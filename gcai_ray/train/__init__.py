"""`training_pairs` → tuned weights: SFT, then DPO, under Ray Train with TRL's trainers.

The only part, with `serve`, that imports torch, peft and trl. Knows no stage and no prompt.
"""
